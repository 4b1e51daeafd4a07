"""A quantum layer in a torch network (after PennyLane's "Turning quantum nodes into Torch Layers")."""

import matplotlib.pyplot as plt
import numpy as np
import pennylane as qml
import torch

torch.manual_seed(1)
dice = np.random.default_rng(1)
angles = dice.uniform(0, np.pi, 200)
radius = np.where(np.arange(200) % 2, 1.0, 0.4) + 0.1 * dice.normal(size=200)
points = torch.tensor(np.stack([radius * np.cos(2 * angles), radius * np.sin(2 * angles)], axis=1)).float()
labels = torch.tensor(np.arange(200) % 2)
# QMK: device = qml.device("qmk", wires=2)
device = qml.device("lightning.qubit", wires=2)


@qml.qnode(device, diff_method="adjoint")
def qnode(inputs, weights):
    qml.AngleEmbedding(inputs, wires=range(2))
    qml.StronglyEntanglingLayers(weights, wires=range(2))
    return [qml.expval(qml.PauliZ(wire)) for wire in range(2)]


layer = qml.qnn.TorchLayer(qnode, {"weights": (3, 2, 3)})
model = torch.nn.Sequential(torch.nn.Linear(2, 2), layer, torch.nn.Linear(2, 2))
optimizer, losses = torch.optim.Adam(model.parameters(), lr=0.1), []
for _ in range(40):
    optimizer.zero_grad()
    loss = torch.nn.functional.cross_entropy(model(points), labels)
    loss.backward()
    optimizer.step()
    losses.append(float(loss))
accuracy = float((model(points).argmax(dim=1) == labels).float().mean())
print(f"loss {losses[-1]:.3f}, accuracy {accuracy:.2f}")

plt.plot(losses)
plt.xlabel("epoch")
plt.ylabel("loss")
plt.savefig("picture.svg")
