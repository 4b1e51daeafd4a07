"""Device libraries of QDMI as targets: our own, and one that a stranger wrote by the documented interface in C."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from qmk.base.errors import QmkError
from qmk.cli.devices import command
from qmk.models.devices import Target
from qmk.models.devices.qdmi import find_prefix, read_library

STRANGER = r"""
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
typedef struct { int index; } Site;
static Site sites[3] = {{2}, {0}, {1}};
static int operations[3] = {0, 1, 2}; /* cz, sx, measure */
static int ready = 0;
static int give(const void *data, size_t len, size_t size, void *value, size_t *ret) {
  if (ret) *ret = len;
  if (value) { if (size < len) return -7; memcpy(value, data, len); }
  return 0;
}
#define GIVE(x) return give(&(x), sizeof(x), size, value, ret)
int LAB_QDMI_device_initialize(void) { printf("hello from a library\n"); fflush(stdout); return 0; }
int LAB_QDMI_device_finalize(void) { return 0; }
int LAB_QDMI_device_session_alloc(void **s) { *s = &ready; return 0; }
int LAB_QDMI_device_session_set_parameter(void *s, int p, size_t size, const void *v) {
  (void)s;
  if (p == 1 && size == 6 && !strcmp(v, "open!")) { ready = 1; return 0; }
  return p == 1 ? -8 : -9;
}
int LAB_QDMI_device_session_init(void *s) { (void)s; if (getenv("LAB_CRASH")) abort(); return ready ? 0 : -8; }
void LAB_QDMI_device_session_free(void *s) { (void)s; }
int LAB_QDMI_device_session_query_device_property(void *s, int p, size_t size, void *value, size_t *ret) {
  (void)s;
  void *all[3] = {&sites[0], &sites[1], &sites[2]};
  void *pairs[4] = {&sites[1], &sites[2], &sites[2], &sites[0]};
  void *ops[3] = {&operations[0], &operations[1], &operations[2]};
  double scale = 2.0;
  if (p == 0) return give("lab", 4, size, value, ret);
  if (p == 1) return give("7", 2, size, value, ret);
  if (p == 5) GIVE(all);
  if (p == 6) GIVE(ops);
  if (p == 7) GIVE(pairs);
  if (p == 12) return give("us", 3, size, value, ret);
  if (p == 13) GIVE(scale);
  return -9;
}
int LAB_QDMI_device_session_query_site_property(void *s, void *site, int p, size_t size, void *value, size_t *ret) {
  (void)s;
  size_t index = (size_t)((Site *)site)->index;
  uint64_t t1 = 100 + index;
  if (p == 0) GIVE(index);
  if (p == 1) GIVE(t1);
  return -9;
}
int LAB_QDMI_device_session_query_operation_property(void *s, void *op, size_t n, void *const *at, size_t np,
    const double *params, int p, size_t size, void *value, size_t *ret) {
  (void)s; (void)np; (void)params;
  static const char *names[3] = {"cz", "sx", "measure"};
  int number = *(int *)op;
  size_t qubits = number == 0 ? 2 : 1;
  double fidelity = n ? 0.99 - 0.01 * ((Site *)at[0])->index : 0.5;
  uint64_t duration = 3;
  if (p == 0) return give(names[number], strlen(names[number]) + 1, size, value, ret);
  if (p == 1) GIVE(qubits);
  if (p == 4 && n == qubits) GIVE(fidelity);
  if (p == 3 && n == qubits) GIVE(duration);
  return -9;
}
"""


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler")
    folder = tmp_path_factory.mktemp("lab")
    (folder / "lab.c").write_text(STRANGER)
    subprocess.run([compiler, "-shared", "-fPIC", "-o", folder / "lab.so", folder / "lab.c"], check=True, timeout=60)
    return folder / "lab.so"


def test_the_library_of_a_stranger_becomes_a_target(stranger: Path):
    assert find_prefix(stranger) == "LAB"
    target = read_library(stranger, parameters={"token": "open!"})
    assert (target.name, target.sites, target.gates) == ("lab", 3, ("cz", "sx"))
    assert target.couplings == ((0, 1), (1, 2))
    assert [(fact.name, fact.sites) for fact in target.facts[:2]] == [("cz", (0, 1)), ("cz", (1, 2))]
    assert [fact.error for fact in target.facts[:2]] == pytest.approx([0.01, 0.02])
    assert [fact.duration_s for fact in target.facts] == pytest.approx([6e-6] * 5)
    assert [row.t1_s for row in target.readings] == pytest.approx([200e-6, 202e-6, 204e-6])
    assert [row.readout_error for row in target.readings] == pytest.approx([0.01, 0.02, 0.03])
    assert "version 7" in target.source


def test_what_a_library_does_wrong_ends_its_own_process(
    stranger: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    with pytest.raises(QmkError, match="session_set_parameter gave permission denied"):
        read_library(stranger, parameters={"token": "wrong"})
    with pytest.raises(QmkError, match="has no parameter 'colour'"):
        read_library(stranger, parameters={"colour": "red"})
    with pytest.raises(QmkError, match="no function OTHER_QDMI_device_initialize"):
        read_library(stranger, "OTHER")
    monkeypatch.setenv("LAB_CRASH", "1")
    with pytest.raises(QmkError, match="by signal SIGABRT"):
        read_library(stranger, parameters={"token": "open!"})
    text = tmp_path / "text.so"
    text.write_text("no library")
    with pytest.raises(QmkError, match="functions of 0 QDMI devices"):
        read_library(text)
    with pytest.raises(QmkError, match="cannot be loaded"):
        read_library(text, "LAB")


def test_the_command_writes_a_target(stranger: Path, tmp_path: Path):
    path = tmp_path / "lab.json"
    done = CliRunner().invoke(command, ["read", str(stranger), "--session", "token=open!", "-o", str(path)])
    assert done.exit_code == 0, done.output
    assert "lab: 3 sites, 2 pairs, gates cz sx" in done.output
    assert Target.load(path).facts[0].error == pytest.approx(0.01)


def test_our_own_library_is_read_back(tmp_path: Path):
    pytest.importorskip("mqt.core", reason="it brings QDMI's headers")
    if shutil.which("cc") is None:
        pytest.skip("there is no C compiler")
    from qmk.integrations.qdmi import build
    from qmk.models.devices import target_named

    manila = target_named("fake_manila")
    found = read_library(build(tmp_path), parameters={"custom1": "fake_manila"})
    assert (found.name, found.sites, set(found.gates)) == ("fake_manila", 5, set(manila.gates))
    assert set(found.couplings or ()) == set(manila.couplings or ())
    errors = {(fact.name, fact.sites): fact.error for fact in found.facts}
    for fact in manila.facts:
        assert errors[fact.name, fact.sites] == pytest.approx(fact.error, abs=1e-9)
    for ours, theirs in zip(manila.readings, found.readings, strict=True):
        assert theirs.t1_s == pytest.approx(ours.t1_s, abs=1e-9)
