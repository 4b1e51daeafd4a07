//! Complex matrices as two planes of doubles, and the loops over them that take the time.
//!
//! The loops are plain Rust in blocks of eight, which the compiler turns into vector code; `vectorised!` compiles each
//! again for AVX2 with FMA and for AVX-512, and picks at run time. `FUSED` says that products are added without rounding
//! between, where the processor does so at once; `ROWS`, how many rows of a product fit the registers.

/// Row-major, `re` and `im` apart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Matrix {
    pub rows: usize,
    pub columns: usize,
    pub re: Vec<f64>,
    pub im: Vec<f64>,
}

impl Matrix {
    pub fn zeros(rows: usize, columns: usize) -> Matrix {
        Matrix { rows, columns, re: vec![0.0; rows * columns], im: vec![0.0; rows * columns] }
    }

    pub fn identity(n: usize) -> Matrix {
        let mut out = Matrix::zeros(n, n);
        (0..n).for_each(|k| out.re[k * n + k] = 1.0);
        out
    }

    #[inline]
    pub fn row(&self, k: usize) -> (&[f64], &[f64]) {
        let range = k * self.columns..(k + 1) * self.columns;
        (&self.re[range.clone()], &self.im[range])
    }

    #[inline]
    pub fn row_mut(&mut self, k: usize) -> (&mut [f64], &mut [f64]) {
        let range = k * self.columns..(k + 1) * self.columns;
        (&mut self.re[range.clone()], &mut self.im[range])
    }

    /// Rows `a` < `b`, both to be changed.
    #[allow(clippy::type_complexity)]
    pub fn two_rows(&mut self, a: usize, b: usize) -> ((&mut [f64], &mut [f64]), (&mut [f64], &mut [f64])) {
        let n = self.columns;
        let (re_a, re_b) = self.re.split_at_mut(b * n);
        let (im_a, im_b) = self.im.split_at_mut(b * n);
        ((&mut re_a[a * n..(a + 1) * n], &mut im_a[a * n..(a + 1) * n]), (&mut re_b[..n], &mut im_b[..n]))
    }

    /// The same numbers in another shape.
    pub fn reshaped(mut self, rows: usize, columns: usize) -> Matrix {
        assert_eq!(rows * columns, self.re.len());
        (self.rows, self.columns) = (rows, columns);
        self
    }

    pub fn adjoint(&self) -> Matrix {
        let mut out = Matrix::zeros(self.columns, self.rows);
        for r in 0..self.rows {
            for c in 0..self.columns {
                out.re[c * self.rows + r] = self.re[r * self.columns + c];
                out.im[c * self.rows + r] = -self.im[r * self.columns + c];
            }
        }
        out
    }

    pub fn scale(&mut self, by: f64) {
        self.re.iter_mut().chain(&mut self.im).for_each(|x| *x *= by);
    }
}

const LANES: usize = 8;
type Row<'a> = (&'a [f64], &'a [f64]);
type RowMut<'a> = (&'a mut [f64], &'a mut [f64]);

macro_rules! vectorised {
    ($(#[$doc:meta])* pub fn $name:ident / $plain:ident ($($arg:ident: $type:ty),*) $(-> $out:ty)?) => {
        $(#[$doc])*
        pub fn $name($($arg: $type),*) $(-> $out)? {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2,fma")]
                unsafe fn wide($($arg: $type),*) $(-> $out)? {
                    $plain::<true, 2>($($arg),*)
                }
                #[cfg(avx512_stable)]
                #[target_feature(enable = "avx512f,avx512dq,fma")]
                unsafe fn wider($($arg: $type),*) $(-> $out)? {
                    $plain::<true, 4>($($arg),*)
                }
                #[cfg(avx512_stable)]
                if std::arch::is_x86_feature_detected!("avx512f") && std::arch::is_x86_feature_detected!("avx512dq") {
                    // SAFETY: the processor has the features, which is all that the attribute asks
                    return unsafe { wider($($arg),*) };
                }
                if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
                    // SAFETY: as above
                    return unsafe { wide($($arg),*) };
                }
            }
            $plain::<false, 2>($($arg),*)
        }
    };
}

/// `a` `b` + `c`.
#[inline(always)]
fn madd<const FUSED: bool>(a: f64, b: f64, c: f64) -> f64 {
    if FUSED {
        a.mul_add(b, c)
    } else {
        a * b + c
    }
}

vectorised! {
    /// `c` = `a` `b`.
    pub fn multiply / multiply_plain (a: &Matrix, b: &Matrix, c: &mut Matrix)
}

#[inline(always)]
fn multiply_plain<const FUSED: bool, const ROWS: usize>(a: &Matrix, b: &Matrix, c: &mut Matrix) {
    assert!(a.columns == b.rows && c.rows == a.rows && c.columns == b.columns);
    c.re.fill(0.0);
    c.im.fill(0.0);
    product::<FUSED, ROWS>(a, b, c, false);
}

vectorised! {
    /// `c` = `a` `b` where that is known to be Hermitian.
    pub fn multiply_hermitian / multiply_hermitian_plain (a: &Matrix, b: &Matrix, c: &mut Matrix)
}

#[inline(always)]
fn multiply_hermitian_plain<const FUSED: bool, const ROWS: usize>(a: &Matrix, b: &Matrix, c: &mut Matrix) {
    assert!(a.columns == b.rows && c.rows == a.rows && c.columns == b.columns && a.rows == b.columns);
    c.re.fill(0.0);
    c.im.fill(0.0);
    product::<FUSED, ROWS>(a, b, c, true);
    let n = c.rows;
    for row in 0..n {
        for column in 0..row {
            c.re[row * n + column] = c.re[column * n + row];
            c.im[row * n + column] = -c.im[column * n + row];
        }
    }
}

/// Adds `a` `b` to `c`, which is 0; `upper`: at least on and above the diagonal.
#[inline(always)]
fn product<const FUSED: bool, const ROWS: usize>(a: &Matrix, b: &Matrix, c: &mut Matrix, upper: bool) {
    let (m, n, depth) = (a.rows, b.columns, a.columns);
    let mut row = 0;
    while row < m {
        let height = (m - row).min(ROWS);
        let mut from = if upper { row / LANES * LANES } else { 0 };
        while from < n {
            let width = (n - from).min(LANES);
            if width < LANES {
                for r in row..row + height {
                    edge::<FUSED>(a, b, c, r, from, width, depth);
                }
            } else if height == ROWS {
                tile::<FUSED, ROWS>(a, b, c, row, from, depth);
            } else {
                for r in row..row + height {
                    tile::<FUSED, 1>(a, b, c, r, from, depth);
                }
            }
            from += width;
        }
        row += height;
    }
}

/// Some rows by eight columns of the product, kept in registers.
#[inline(always)]
fn tile<const FUSED: bool, const ROWS: usize>(
    a: &Matrix,
    b: &Matrix,
    c: &mut Matrix,
    row: usize,
    from: usize,
    depth: usize,
) {
    let n = b.columns;
    let mut re = [[0.0f64; LANES]; ROWS];
    let mut im = [[0.0f64; LANES]; ROWS];
    for p in 0..depth {
        let b_re: &[f64; LANES] = b.re[p * n + from..p * n + from + LANES].try_into().unwrap();
        let b_im: &[f64; LANES] = b.im[p * n + from..p * n + from + LANES].try_into().unwrap();
        for r in 0..ROWS {
            let (x, y) = (a.re[(row + r) * depth + p], a.im[(row + r) * depth + p]);
            for k in 0..LANES {
                re[r][k] = madd::<FUSED>(-y, b_im[k], madd::<FUSED>(x, b_re[k], re[r][k]));
                im[r][k] = madd::<FUSED>(y, b_re[k], madd::<FUSED>(x, b_im[k], im[r][k]));
            }
        }
    }
    for r in 0..ROWS {
        let at = (row + r) * n + from;
        c.re[at..at + LANES].copy_from_slice(&re[r]);
        c.im[at..at + LANES].copy_from_slice(&im[r]);
    }
}

#[inline(always)]
fn edge<const FUSED: bool>(
    a: &Matrix,
    b: &Matrix,
    c: &mut Matrix,
    row: usize,
    from: usize,
    width: usize,
    depth: usize,
) {
    let n = b.columns;
    for p in 0..depth {
        let (x, y) = (a.re[row * depth + p], a.im[row * depth + p]);
        for k in from..from + width {
            c.re[row * n + k] =
                madd::<FUSED>(-y, b.im[p * n + k], madd::<FUSED>(x, b.re[p * n + k], c.re[row * n + k]));
            c.im[row * n + k] = madd::<FUSED>(y, b.re[p * n + k], madd::<FUSED>(x, b.im[p * n + k], c.im[row * n + k]));
        }
    }
}

vectorised! {
    /// Sum over k of conj(`a`[k]) `b`[k].
    pub fn dot / dot_plain (a: Row<'_>, b: Row<'_>) -> (f64, f64)
}

#[inline(always)]
fn dot_plain<const FUSED: bool, const ROWS: usize>(a: Row<'_>, b: Row<'_>) -> (f64, f64) {
    let mut re = [0.0f64; LANES];
    let mut im = [0.0f64; LANES];
    let whole = a.0.len() / LANES * LANES;
    for at in (0..whole).step_by(LANES) {
        for k in 0..LANES {
            let (x, y, u, v) = (a.0[at + k], a.1[at + k], b.0[at + k], b.1[at + k]);
            re[k] = madd::<FUSED>(y, v, madd::<FUSED>(x, u, re[k]));
            im[k] = madd::<FUSED>(-y, u, madd::<FUSED>(x, v, im[k]));
        }
    }
    for at in whole..a.0.len() {
        re[0] += a.0[at] * b.0[at] + a.1[at] * b.1[at];
        im[0] += a.0[at] * b.1[at] - a.1[at] * b.0[at];
    }
    (re.iter().sum(), im.iter().sum())
}

pub fn norm_squared(a: Row<'_>) -> f64 {
    dot(a, a).0
}

vectorised! {
    /// `b` += `by` `a`.
    pub fn add_scaled / add_scaled_plain (a: Row<'_>, by: (f64, f64), b: RowMut<'_>)
}

#[inline(always)]
fn add_scaled_plain<const FUSED: bool, const ROWS: usize>(a: Row<'_>, by: (f64, f64), b: RowMut<'_>) {
    let n = a.0.len();
    let (a_re, a_im, b_re, b_im) = (&a.0[..n], &a.1[..n], &mut b.0[..n], &mut b.1[..n]);
    for k in 0..n {
        b_re[k] = madd::<FUSED>(-by.1, a_im[k], madd::<FUSED>(by.0, a_re[k], b_re[k]));
        b_im[k] = madd::<FUSED>(by.1, a_re[k], madd::<FUSED>(by.0, a_im[k], b_im[k]));
    }
}

vectorised! {
    /// (`a`, `b`) becomes (c a - s p b, s conj(p) a + c b): a rotation by cosine c, sine s and phase p, which is unitary.
    pub fn rotate / rotate_plain (a: RowMut<'_>, b: RowMut<'_>, c: f64, s: f64, p: (f64, f64))
}

#[inline(always)]
fn rotate_plain<const FUSED: bool, const ROWS: usize>(a: RowMut<'_>, b: RowMut<'_>, c: f64, s: f64, p: (f64, f64)) {
    let n = a.0.len();
    let (a_re, a_im, b_re, b_im) = (&mut a.0[..n], &mut a.1[..n], &mut b.0[..n], &mut b.1[..n]);
    let (x, y) = (s * p.0, s * p.1);
    for k in 0..n {
        let (ar, ai, br, bi) = (a_re[k], a_im[k], b_re[k], b_im[k]);
        a_re[k] = madd::<FUSED>(y, bi, madd::<FUSED>(-x, br, c * ar));
        a_im[k] = madd::<FUSED>(-y, br, madd::<FUSED>(-x, bi, c * ai));
        b_re[k] = madd::<FUSED>(y, ai, madd::<FUSED>(x, ar, c * br));
        b_im[k] = madd::<FUSED>(-y, ar, madd::<FUSED>(x, ai, c * bi));
    }
}

vectorised! {
    /// (`a`, `b`) becomes (c a - s b, s a + c b).
    pub fn turn / turn_plain (a: &mut [f64], b: &mut [f64], c: f64, s: f64)
}

#[inline(always)]
fn turn_plain<const FUSED: bool, const ROWS: usize>(a: &mut [f64], b: &mut [f64], c: f64, s: f64) {
    let n = a.len();
    let b = &mut b[..n];
    for k in 0..n {
        let (x, y) = (a[k], b[k]);
        a[k] = madd::<FUSED>(-s, y, c * x);
        b[k] = madd::<FUSED>(s, x, c * y);
    }
}
