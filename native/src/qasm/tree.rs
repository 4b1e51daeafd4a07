//! The syntax tree of statements that are not read on the fast path: flat vectors of nodes that name each other by
//! number. What stands in a gate or subroutine is kept; all else is dropped when its statement has run.

use std::rc::Rc;

use super::names::Sym;
use super::template::Template;

pub type ExprId = u32;
pub type StmtId = u32;

/// Consecutive entries of `Tree::lists`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct List {
    pub start: u32,
    pub len: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binary {
    OrElse,
    AndAlso,
    Or,
    Xor,
    And,
    Same,
    Differs,
    Less,
    AtMost,
    More,
    AtLeast,
    Left,
    Right,
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Power,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unary {
    Negate,
    Not,
    Complement,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Expr {
    Int(i64),
    Float(f64),
    Bool(bool),
    /// A bit string; where its digits stand in the text.
    Bits(u32, u32),
    Name(Sym),
    Hardware(u32),
    Unary(Unary, ExprId),
    Binary(Binary, ExprId, ExprId),
    Index(ExprId, List),
    /// start, step, stop
    Range(Option<ExprId>, Option<ExprId>, Option<ExprId>),
    Set(List),
    Call(Sym, List),
    Cast(TypeId, ExprId),
    Join(List),
    Measure(ExprId),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    Bit,
    Bool,
    Int,
    Uint,
    Float,
    Angle,
    Qubit,
}

pub type TypeId = u32;

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TypeNode {
    pub word: Word,
    pub size: Option<ExprId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    Variable,
    Constant,
    /// A value that the caller gives.
    Input,
    Output,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Modifier {
    Inv,
    Pow(ExprId),
    /// The value that the controls must hold, and their number.
    Ctrl(bool, Option<ExprId>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Jump {
    Break,
    Continue,
    End,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Stmt {
    /// `modifiers` index `Tree::modifiers`.
    Gate {
        name: Sym,
        modifiers: List,
        args: List,
        operands: List,
    },
    Qubits {
        name: Sym,
        size: Option<ExprId>,
    },
    Declare {
        kind: TypeId,
        name: Sym,
        value: Option<ExprId>,
        storage: Storage,
    },
    Alias {
        name: Sym,
        value: ExprId,
    },
    Block(List),
    Gatedef(u32),
    Def(u32),
    Barrier(List),
    Reset(ExprId),
    /// `op` for `+=` and the like.
    Assign {
        target: ExprId,
        op: Option<Binary>,
        value: ExprId,
    },
    Call(ExprId),
    If {
        condition: ExprId,
        then: StmtId,
        otherwise: Option<StmtId>,
    },
    /// `values` is a range, a set or an expression.
    For {
        kind: Option<TypeId>,
        name: Sym,
        values: ExprId,
        body: StmtId,
    },
    While {
        condition: ExprId,
        body: StmtId,
    },
    /// `cases` index `Tree::cases`.
    Switch {
        target: ExprId,
        cases: List,
        default: Option<StmtId>,
    },
    Jump(Jump),
    Return(Option<ExprId>),
}

/// `gate name(params) qubits { body }`
pub struct GateDef {
    pub name: Sym,
    pub params: Box<[Sym]>,
    pub qubits: Box<[Sym]>,
    pub body: Body,
}

pub enum Body {
    Opaque,
    Tree(List),
    Compiled(Rc<Template>),
}

pub struct Def {
    pub name: Sym,
    pub params: Box<[(Sym, TypeId)]>,
    pub result: Option<TypeId>,
    pub body: List,
}

#[derive(Default)]
pub struct Tree {
    pub exprs: Vec<(Expr, u32)>,
    pub stmts: Vec<(Stmt, u32)>,
    pub lists: Vec<u32>,
    pub types: Vec<TypeNode>,
    pub modifiers: Vec<Modifier>,
    pub cases: Vec<(List, StmtId)>,
    pub gates: Vec<GateDef>,
    pub defs: Vec<Def>,
}

/// The sizes of a tree, to cut it back to.
#[derive(Clone, Copy)]
pub struct Mark([usize; 6]);

impl Tree {
    pub fn mark(&self) -> Mark {
        Mark([
            self.exprs.len(),
            self.stmts.len(),
            self.lists.len(),
            self.types.len(),
            self.modifiers.len(),
            self.cases.len(),
        ])
    }

    pub fn cut(&mut self, mark: Mark) {
        self.exprs.truncate(mark.0[0]);
        self.stmts.truncate(mark.0[1]);
        self.lists.truncate(mark.0[2]);
        self.types.truncate(mark.0[3]);
        self.modifiers.truncate(mark.0[4]);
        self.cases.truncate(mark.0[5]);
    }

    pub fn size(&self) -> usize {
        self.exprs.len() + self.stmts.len() + self.lists.len() + self.modifiers.len() + self.cases.len()
    }

    #[inline]
    pub fn expr(&self, id: ExprId) -> Expr {
        self.exprs[id as usize].0
    }

    #[inline]
    pub fn item(&self, list: List, k: u32) -> u32 {
        debug_assert!(k < list.len);
        self.lists[(list.start + k) as usize]
    }

    pub fn add_list(&mut self, items: &[u32]) -> List {
        let start = self.lists.len() as u32;
        self.lists.extend_from_slice(items);
        List { start, len: items.len() as u32 }
    }
}
