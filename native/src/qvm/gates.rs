//! Gates of a graph that are several operations: Pauli products and `core.mod`.

use crate::circuit::Kind;

use super::pack::Cursor;
use super::Declined;

type Result<T> = std::result::Result<T, Declined>;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Letter {
    X,
    Y,
    Z,
}

impl Letter {
    pub fn kind(self) -> Kind {
        match self {
            Letter::X => Kind::X,
            Letter::Y => Kind::Y,
            Letter::Z => Kind::Z,
        }
    }

    /// Gates that turn this axis into Z.
    fn to_z(self) -> &'static [Kind] {
        match self {
            Letter::X => &[Kind::H],
            Letter::Y => &[Kind::Sdg, Kind::H],
            Letter::Z => &[],
        }
    }

    fn out_of_z(self) -> &'static [Kind] {
        match self {
            Letter::X => &[Kind::H],
            Letter::Y => &[Kind::H, Kind::S],
            Letter::Z => &[],
        }
    }
}

type Frame = Vec<(Kind, Vec<u32>)>;

/// A Clifford frame in which a Pauli product is Z on the last qubit of its support: into it, and back.
pub fn pauli_frame(support: &[(u32, Letter)]) -> (Frame, Frame) {
    let turned = |way: fn(Letter) -> &'static [Kind]| {
        support.iter().flat_map(move |&(qubit, letter)| way(letter).iter().map(move |&kind| (kind, vec![qubit])))
    };
    let target = support.last().map_or(0, |last| last.0);
    let rest = &support[..support.len().saturating_sub(1)];
    let ladder = rest.iter().map(|&(qubit, _)| (Kind::Cnot, vec![qubit, target]));
    let into = turned(Letter::to_z).chain(ladder.clone()).collect();
    let back = ladder.rev().chain(turned(Letter::out_of_z)).collect();
    (into, back)
}

/// What a `core.mod` is: a plain gate, or a base to a power under controls with these values.
pub enum Modified {
    Plain(Kind, [f64; 3]),
    Wide { base: Kind, angles: [f64; 3], values: Vec<bool>, power: f64 },
}

/// Reads the arguments of a `core.mod`, named by `keys`.
pub fn modified(node: usize, keys: &[&str], mut args: Cursor) -> Result<Modified> {
    let fail = |why| Err(Declined::node(node, why));
    let (mut gate, mut controls, mut state, mut power, mut angles) = (None, 0, "", 1.0, [None; 3]);
    for &key in keys {
        match key {
            "gate" => gate = Kind::from_name(args.name()?).filter(|kind| kind.is_gate()),
            "controls" => controls = args.count()?,
            "state" => state = args.name()?,
            "power" => power = args.real()?,
            "params" => {
                for _ in 0..args.map()? {
                    let name = args.name()?;
                    let Some(place) = Kind::U.angle_names().iter().position(|known| *known == name) else {
                        return fail("a gate with an unknown angle");
                    };
                    angles[place] = Some(args.real()?);
                }
            }
            _ => return fail("a gate with an unknown argument"),
        }
    }
    let Some(gate) = gate else { return fail("a gate that is not read here") };
    if controls > 256 || (!state.is_empty() && state.len() != controls) || power.abs() > (1u64 << 53) as f64 {
        return fail("a gate that is not read here");
    }
    let wanted = gate.angle_names();
    let mut found = [0.0; 3];
    for (slot, name) in found.iter_mut().zip(wanted) {
        match Kind::U.angle_names().iter().position(|known| known == name).and_then(|place| angles[place]) {
            Some(angle) => *slot = angle,
            None => return fail("a gate without its angle"),
        }
    }
    let turning = power == power.trunc() && wanted.len() == 1;
    if !state.contains('0') && (power == 1.0 || turning) {
        let plain = gate.controlled(controls);
        if let Some(kind) = plain {
            return Ok(Modified::Plain(kind, found.map(|angle| angle * power)));
        }
    }
    let (base, own) = gate.peeled();
    let mut values: Vec<bool> = state.bytes().map(|value| value != b'0').collect();
    values.resize(controls + own, true);
    Ok(Modified::Wide { base, angles: found, values, power })
}
