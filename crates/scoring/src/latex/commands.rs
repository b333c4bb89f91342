//! What the commands of LaTeX mean, as far as numbers are concerned.

/// The sign that a command stands for.
pub(super) fn symbol(name: &str) -> Option<char> {
    Some(match name {
        "times" | "ast" | "bmod" => '×',
        "cdot" | "bullet" => '·',
        "div" => '÷',
        "over" => '/',
        "pm" => '±',
        "mp" => '∓',
        "approx" | "simeq" | "cong" | "sim" | "doteq" => '≈',
        "equiv" => '≡',
        "ne" | "neq" => '≠',
        "le" | "leq" | "leqslant" => '≤',
        "ge" | "geq" | "geqslant" => '≥',
        "lt" => '<',
        "gt" => '>',
        "to" | "rightarrow" | "Rightarrow" | "implies" | "longrightarrow" => '→',
        "in" => '∈',
        "cup" => '∪',
        "cap" => '∩',
        "infty" => '∞',
        "circ" | "degree" => '°',
        "prime" => '′',
        "percent" => '%',
        "dots" | "ldots" | "cdots" => '…',
        "textdollar" | "dollar" => '$',
        "pounds" | "textsterling" => '£',
        "euro" | "texteuro" => '€',
        "yen" | "textyen" => '¥',
        // A variable or constant, whichever it is.
        "pi" | "alpha" | "beta" | "gamma" | "delta" | "epsilon" | "varepsilon" | "theta"
        | "lambda" | "phi" | "varphi" | "rho" | "sigma" | "tau" | "omega" | "psi" | "xi"
        | "eta" => 'π',
        _ => return None,
    })
}

/// Whether a command makes an expression of what follows it.
pub(super) fn is_function(name: &str) -> bool {
    matches!(
        name,
        "sqrt"
            | "binom"
            | "dbinom"
            | "tbinom"
            | "log"
            | "ln"
            | "lg"
            | "exp"
            | "sin"
            | "cos"
            | "tan"
            | "cot"
            | "sec"
            | "csc"
            | "arcsin"
            | "arccos"
            | "arctan"
            | "sinh"
            | "cosh"
            | "tanh"
            | "gcd"
            | "lcm"
            | "max"
            | "min"
            | "det"
            | "sum"
            | "prod"
            | "int"
            | "lim"
            | "mod"
            | "lfloor"
            | "lceil"
            | "lvert"
    )
}

/// Whether the argument of a command is not shown as text.
pub(super) fn hides_its_argument(name: &str) -> bool {
    matches!(
        name,
        "begin"
            | "end"
            | "tag"
            | "label"
            | "ref"
            | "eqref"
            | "cite"
            | "hspace"
            | "vspace"
            | "color"
            | "textcolor"
            | "colorbox"
            | "phantom"
            | "hphantom"
            | "vphantom"
            | "footnote"
            | "pmod"
    )
}

/// Whether a command shows what it is applied to, as it is.
pub(super) fn shows_its_argument(name: &str) -> bool {
    matches!(
        name,
        "text"
            | "textbf"
            | "textit"
            | "textrm"
            | "textsf"
            | "texttt"
            | "textnormal"
            | "textup"
            | "mathrm"
            | "mathbf"
            | "mathit"
            | "mathsf"
            | "mathtt"
            | "mathbb"
            | "mathcal"
            | "mbox"
            | "hbox"
            | "boldsymbol"
            | "bm"
            | "operatorname"
            | "emph"
            | "underline"
            | "overline"
            | "boxed"
            | "fbox"
            | "framebox"
            | "ensuremath"
            | "mathord"
            | "mathpunct"
            | "mathbin"
            | "num"
            | "unit"
            | "si"
            | "SI"
            | "qty"
            | "displaystyle"
            | "textstyle"
            | "limits"
            | "big"
            | "Big"
            | "bigl"
            | "bigr"
            | "Bigl"
            | "Bigr"
            | "bigg"
            | "Bigg"
            | "rm"
            | "bf"
            | "it"
    )
}
