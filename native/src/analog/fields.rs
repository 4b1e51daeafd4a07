//! Fields as functions of time: piecewise linear amplitude and detuning, piecewise constant phase.

/// Knots of a field: `times` begin with 0 and never fall, two equal ones are a jump. us; rad/us, or rad.
#[derive(Clone, Debug, Default)]
pub struct Wave {
    pub times: Vec<f64>,
    pub values: Vec<f64>,
}

/// One source of light: its amplitude and detuning reach atom `i` times `weights[i]`. A field without knots is 0.
#[derive(Clone, Debug, Default)]
pub struct Drive {
    pub amplitude: Wave,
    pub phase: Wave,
    pub detuning: Wave,
    pub weights: Vec<f64>,
}

impl Wave {
    fn is_sound(&self) -> bool {
        self.times.len() == self.values.len()
            && self.times.iter().chain(&self.values).all(|x| x.is_finite())
            && self.times.windows(2).all(|pair| pair[0] <= pair[1])
    }

    /// The last knot that is not after `inside`, a time between two knots.
    fn knot(&self, inside: f64) -> usize {
        self.times.partition_point(|&t| t <= inside).saturating_sub(1)
    }

    /// (value at time 0, slope) of the line on which `inside` lies.
    fn line(&self, inside: f64) -> (f64, f64) {
        if self.times.is_empty() {
            return (0.0, 0.0);
        }
        let k = self.knot(inside);
        let (t, v) = (self.times[k], self.values[k]);
        if k + 1 == self.times.len() || self.times[k + 1] == t {
            return (v, 0.0);
        }
        let slope = (self.values[k + 1] - v) / (self.times[k + 1] - t);
        (v - slope * t, slope)
    }

    /// The value that holds around `inside`.
    fn level(&self, inside: f64) -> f64 {
        if self.times.is_empty() {
            return 0.0;
        }
        self.values[self.knot(inside)]
    }

    fn largest(&self) -> f64 {
        self.values.iter().fold(0.0, |most, v| most.max(v.abs()))
    }
}

impl Drive {
    pub fn is_sound(&self, atoms: usize) -> bool {
        let waves = [&self.amplitude, &self.phase, &self.detuning];
        waves.iter().all(|wave| wave.is_sound())
            && self.weights.len() == atoms
            && self.weights.iter().all(|w| w.is_finite())
    }
}

/// Value at time 0, and slope.
type Line = (f64, f64);

/// A time in which every field is one line.
#[derive(Clone)]
pub struct Segment {
    pub start: f64,
    pub end: f64,
    /// Of every drive: amplitude, phase, detuning.
    lines: Vec<(Line, f64, Line)>,
}

/// The segments of an evolution, in order.
pub fn segments(drives: &[Drive], duration: f64) -> Vec<Segment> {
    let waves = drives.iter().flat_map(|drive| [&drive.amplitude, &drive.phase, &drive.detuning]);
    let mut cuts: Vec<f64> = waves.flat_map(|wave| wave.times.iter().copied()).collect();
    cuts.retain(|&t| t > 0.0 && t < duration);
    cuts.extend([0.0, duration]);
    cuts.sort_by(f64::total_cmp);
    cuts.dedup();
    let segment = |pair: &[f64]| {
        let (start, end) = (pair[0], pair[1]);
        let inside = 0.5 * (start + end);
        let lines =
            drives.iter().map(|d| (d.amplitude.line(inside), d.phase.level(inside), d.detuning.line(inside))).collect();
        Segment { start, end, lines }
    };
    cuts.windows(2).map(segment).collect()
}

impl Segment {
    /// Detuning of every atom at time `t`.
    pub fn detunings(&self, drives: &[Drive], t: f64, out: &mut [f64]) {
        out.fill(0.0);
        for (drive, (_, _, (v, slope))) in drives.iter().zip(&self.lines) {
            let now = v + slope * t;
            if now != 0.0 {
                out.iter_mut().zip(&drive.weights).for_each(|(x, w)| *x += w * now);
            }
        }
    }

    /// Coupling of every atom at time `t`: real and imaginary part of W e^{ip}.
    pub fn couplings(&self, drives: &[Drive], t: f64, out: &mut [(f64, f64)]) {
        out.fill((0.0, 0.0));
        for (drive, ((v, slope), phase, _)) in drives.iter().zip(&self.lines) {
            let now = v + slope * t;
            if now != 0.0 {
                let (sin, cos) = phase.sin_cos();
                for (x, w) in out.iter_mut().zip(&drive.weights) {
                    *x = (x.0 + w * now * cos, x.1 + w * now * sin);
                }
            }
        }
    }
}

/// The largest amplitude and detuning that any atom meets, rad/us.
pub fn largest(drives: &[Drive], atoms: usize) -> (f64, f64) {
    let most = |pick: fn(&Drive) -> &Wave| {
        let at = |i: usize| drives.iter().map(|d| d.weights[i].abs() * pick(d).largest()).sum::<f64>();
        (0..atoms).map(at).fold(0.0, f64::max)
    };
    (most(|d| &d.amplitude), most(|d| &d.detuning))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_linear_between_knots_jumps_where_two_coincide_and_a_phase_holds() {
        let wave = Wave { times: vec![0.0, 1.0, 1.0, 3.0], values: vec![0.0, 2.0, 5.0, 1.0] };
        let drive = Drive { amplitude: wave.clone(), detuning: wave.clone(), phase: wave, weights: vec![1.0, -0.5] };
        let drives = [drive];
        let all = segments(&drives, 4.0);
        let bounds: Vec<(f64, f64)> = all.iter().map(|s| (s.start, s.end)).collect();
        assert_eq!(bounds, [(0.0, 1.0), (1.0, 3.0), (3.0, 4.0)]);
        let mut out = [0.0; 2];
        for (segment, t, wanted) in [(0, 0.25, 0.5), (0, 1.0, 2.0), (1, 1.0, 5.0), (1, 2.0, 3.0), (2, 3.5, 1.0)] {
            all[segment].detunings(&drives, t, &mut out);
            assert!((out[0] - wanted).abs() < 1e-12 && (out[1] + 0.5 * wanted).abs() < 1e-12);
        }
        let mut out = [(0.0, 0.0); 2];
        all[1].couplings(&drives, 2.0, &mut out);
        assert!((out[0].0 - 3.0 * 5f64.cos()).abs() < 1e-12 && (out[0].1 - 3.0 * 5f64.sin()).abs() < 1e-12);
        assert_eq!(largest(&drives, 2), (5.0, 5.0));
    }
}
