//! Expressions rewritten so that what can grow is done by our own operators: `+ ~ * %`, loops and assignments become filters
//! that count what they make. Everything else, white space and lines included, stays as it is. Knows Jinja's expressions,
//! nothing of values.

/// Filters that stand for operators (see `ops`).
pub(super) const ADD: &str = "__add";
/// `~`.
pub(super) const JOIN: &str = "__cat";
/// `*`.
pub(super) const MULTIPLY: &str = "__mul";
/// `%`.
pub(super) const REMAINDER: &str = "__rem";
/// What a loop goes over.
pub(super) const EACH: &str = "__each";
/// What an assignment keeps.
pub(super) const KEEP: &str = "__keep";

/// Brackets and signs in one another; the engine's own parser stops near there too.
const DEEPEST: usize = 60;
/// Tokens of one tag: each may cost the engine's parser a stack frame. The longest known tag has 700.
const LONGEST: usize = 3000;
/// Words between operands that stay.
const WORDS: [&str; 6] = ["or", "and", "not", "in", "if", "else"];
const COMPARISONS: [&str; 6] = ["==", "!=", "<=", ">=", "<", ">"];

/// Why an expression was not rewritten.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Odd {
    /// Too long or too deeply nested to be parsed safely.
    TooDeep,
    /// Not an expression as we know them; the engine's parser will say what is wrong with it.
    Unknown,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Name,
    Number,
    Text,
    Sign,
}

#[derive(Clone, Copy, Debug)]
struct Token<'a> {
    /// White space before it.
    before: &'a str,
    text: &'a str,
    kind: Kind,
}

/// The inside of `{{ ... }}`.
pub(super) fn expression(body: &str) -> Result<String, Odd> {
    let mut writer = Writer::new(body)?;
    Ok(writer.rest()? + writer.tail)
}

/// The inside of `{% ... %}`.
pub(super) fn statement(body: &str) -> Result<String, Odd> {
    let mut writer = Writer::new(body)?;
    let word = writer.take().ok_or(Odd::Unknown)?;
    let mut out = format!("{}{}", word.before, word.text);
    match word.text {
        "for" => {
            out += &writer.until("in")?;
            out += &format!(" ({})|{EACH}", writer.chain(&["if", "recursive"])?);
        }
        "set" if writer.tokens.iter().any(|t| t.text == "=") => {
            let target = writer.until("=")?;
            let name = target.rsplit_once("._").map_or_else(String::new, |(_, name)| {
                format!("('_{}')", name.trim_end_matches('=').trim_end())
            });
            return Ok(format!(
                "{out}{target} ({})|{KEEP}{name}{}",
                writer.rest()?,
                writer.tail
            ));
        }
        _ => {}
    }
    Ok(out + &writer.rest()? + writer.tail)
}

/// Reads tokens and writes the new text.
struct Writer<'a> {
    tokens: Vec<Token<'a>>,
    at: usize,
    depth: usize,
    /// White space at the end.
    tail: &'a str,
}

impl<'a> Writer<'a> {
    fn new(body: &'a str) -> Result<Self, Odd> {
        let (tokens, tail) = tokens(body).ok_or(Odd::Unknown)?;
        if tokens.len() > LONGEST {
            return Err(Odd::TooDeep);
        }
        Ok(Self {
            tokens,
            at: 0,
            depth: 0,
            tail,
        })
    }

    fn peek(&self) -> Option<Token<'a>> {
        self.tokens.get(self.at).copied()
    }

    fn next_is(&self, text: &str) -> bool {
        self.peek().is_some_and(|t| t.text == text && t.kind != Kind::Text)
    }

    fn take(&mut self) -> Option<Token<'a>> {
        let token = self.peek();
        self.at += 1;
        token
    }

    /// The next token as it stands.
    fn verbatim(&mut self) -> Result<String, Odd> {
        let token = self.take().ok_or(Odd::Unknown)?;
        Ok(format!("{}{}", token.before, token.text))
    }

    /// Everything up to and with a word or sign, as it stands.
    fn until(&mut self, end: &str) -> Result<String, Odd> {
        let mut out = String::new();
        loop {
            let last = self.next_is(end);
            out += &self.verbatim()?;
            if last {
                return Ok(out);
            }
        }
    }

    /// All that is left.
    fn rest(&mut self) -> Result<String, Odd> {
        let out = self.items(None)?;
        if self.at < self.tokens.len() {
            Err(Odd::Unknown)
        } else {
            Ok(out)
        }
    }

    /// Operands between commas, colons and equal signs, up to a closing bracket, which is not taken.
    fn items(&mut self, close: Option<&str>) -> Result<String, Odd> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Odd::TooDeep);
        }
        let mut out = String::new();
        while let Some(token) = self.peek() {
            match token.text {
                _ if token.kind == Kind::Text => out += &self.chain(&[])?,
                text if Some(text) == close => break,
                "," | ":" | "=" => {
                    out += &self.verbatim()?;
                    // Arguments that are spread out.
                    if self.next_is("*") || self.next_is("**") {
                        out += &self.verbatim()?;
                    }
                }
                ")" | "]" | "}" => return Err(Odd::Unknown),
                "*" | "**" if out.is_empty() => out += &self.verbatim()?,
                _ => out += &self.chain(&[])?,
            }
        }
        self.depth -= 1;
        Ok(out)
    }

    /// Operands between words and comparisons, up to one of the `ends` or a separator.
    fn chain(&mut self, ends: &[&str]) -> Result<String, Odd> {
        let mut out = String::new();
        while let Some(token) = self.peek() {
            let text = token.text;
            match token.kind {
                Kind::Sign if [",", ":", "=", ")", "]", "}"].contains(&text) => break,
                Kind::Name if ends.contains(&text) => break,
                Kind::Name if WORDS.contains(&text) => out += &self.verbatim()?,
                Kind::Sign if COMPARISONS.contains(&text) => out += &self.verbatim()?,
                _ => out += &self.sum()?,
            }
        }
        if out.is_empty() { Err(Odd::Unknown) } else { Ok(out) }
    }

    /// Operands between `+` and `-`.
    fn sum(&mut self) -> Result<String, Odd> {
        self.level(ADD, "+", &["-"], Self::joined)
    }

    /// Operands between `~`.
    fn joined(&mut self) -> Result<String, Odd> {
        self.level(JOIN, "~", &[], Self::product)
    }

    /// Operands between `*`, `/`, `//` and `%`.
    fn product(&mut self) -> Result<String, Odd> {
        self.level(MULTIPLY, "*", &["/", "//", "%"], Self::power)
    }

    /// One level of precedence: operands joined by the operator that `filter` replaces and by others that stay.
    fn level(
        &mut self,
        filter: &str,
        operator: &str,
        others: &[&str],
        operand: fn(&mut Self) -> Result<String, Odd>,
    ) -> Result<String, Odd> {
        let mut operands = vec![operand(self)?];
        while let Some(token) = self.peek().filter(|t| t.kind == Kind::Sign) {
            if token.text == operator {
                self.at += 1;
                operands.push(format!("{}{}", token.before, operand(self)?));
            } else if others.contains(&token.text) {
                let left = folded(filter, operands);
                self.at += 1;
                let right = operand(self)?;
                operands = vec![match token.text {
                    "%" => format!("({left})|{REMAINDER}({}{right})", token.before),
                    sign => format!("{left}{}{sign}{right}", token.before),
                }];
            } else {
                break;
            }
        }
        Ok(folded(filter, operands))
    }

    fn power(&mut self) -> Result<String, Odd> {
        let mut out = self.signed()?;
        while self.next_is("**") {
            out += &self.verbatim()?;
            out += &self.signed()?;
        }
        Ok(out)
    }

    /// An operand with its signs, attributes, calls, filters and tests.
    fn signed(&mut self) -> Result<String, Odd> {
        let mut out = String::new();
        let mut signs = 0;
        while self.next_is("-") || self.next_is("+") {
            out += &self.verbatim()?;
            signs += 1;
            if signs > DEEPEST {
                return Err(Odd::TooDeep);
            }
        }
        out += &self.primary()?;
        loop {
            if let Some(more) = self.attribute()? {
                out += &more;
            } else if self.next_is("|") {
                out += &self.verbatim()?;
                out += &self.verbatim()?;
            } else if self.next_is("is") {
                out += &self.test()?;
            } else {
                return Ok(out);
            }
        }
    }

    /// `.name`, `[...]` or `(...)`.
    fn attribute(&mut self) -> Result<Option<String>, Odd> {
        if self.next_is(".") {
            return Ok(Some(self.verbatim()? + &self.verbatim()?));
        }
        if self.next_is("(") || self.next_is("[") {
            return self.bracketed().map(Some);
        }
        Ok(None)
    }

    /// `is [not] name [operand]`.
    fn test(&mut self) -> Result<String, Odd> {
        let mut out = self.verbatim()?;
        if self.next_is("not") {
            out += &self.verbatim()?;
        }
        out += &self.verbatim()?;
        let operand = self.peek().is_some_and(|t| match t.kind {
            Kind::Name => ![&WORDS[..], &["is", "recursive"]].concat().contains(&t.text),
            Kind::Sign => t.text == "[" || t.text == "{",
            Kind::Number | Kind::Text => true,
        });
        if operand {
            out += &self.primary()?;
            while let Some(more) = self.attribute()? {
                out += &more;
            }
        }
        Ok(out)
    }

    fn primary(&mut self) -> Result<String, Odd> {
        let token = self.peek().ok_or(Odd::Unknown)?;
        match (token.kind, token.text) {
            (Kind::Sign, "(" | "[" | "{") => self.bracketed(),
            (Kind::Sign, _) => Err(Odd::Unknown),
            (Kind::Text, _) => {
                let mut out = self.verbatim()?;
                while self.peek().is_some_and(|t| t.kind == Kind::Text) {
                    out += &self.verbatim()?;
                }
                Ok(out)
            }
            _ => self.verbatim(),
        }
    }

    /// A bracket with what is in it.
    fn bracketed(&mut self) -> Result<String, Odd> {
        let close = match self.peek().map(|t| t.text) {
            Some("(") => ")",
            Some("[") => "]",
            _ => "}",
        };
        let open = self.verbatim()?;
        let inside = self.items(Some(close))?;
        Ok(open + &inside + &self.verbatim()?)
    }
}

/// `a|filter(b, c)` for several operands.
fn folded(filter: &str, mut operands: Vec<String>) -> String {
    let rest = operands.split_off(1);
    let first = operands.concat();
    if rest.is_empty() {
        first
    } else {
        format!("({first})|{filter}({})", rest.join(","))
    }
}

/// The tokens of an expression and the white space after the last; None for what Jinja's lexer would not read.
fn tokens(body: &str) -> Option<(Vec<Token<'_>>, &str)> {
    let mut out = Vec::new();
    let mut rest = body;
    loop {
        let text = rest.trim_start();
        let before = &rest[..rest.len() - text.len()];
        let Some(first) = text.chars().next() else {
            return Some((out, before));
        };
        let (kind, length) = match first {
            '"' | '\'' => (Kind::Text, string_length(text)?),
            c if c.is_ascii_digit() => (Kind::Number, number_length(text)),
            c if c.is_alphabetic() || c == '_' => {
                let name = |c: char| c.is_alphanumeric() || c == '_';
                (Kind::Name, text.find(|c| !name(c)).unwrap_or(text.len()))
            }
            _ => {
                let two = ["**", "//", "==", "!=", "<=", ">="].iter().any(|s| text.starts_with(s));
                (Kind::Sign, if two { 2 } else { first.len_utf8() })
            }
        };
        let (text, after) = text.split_at(length);
        out.push(Token { before, text, kind });
        rest = after;
    }
}

/// Length of a string literal, its quotes included.
fn string_length(text: &str) -> Option<usize> {
    let quote = *text.as_bytes().first()?;
    let mut at = 1;
    loop {
        match *text.as_bytes().get(at)? {
            b'\\' => at += 2,
            b if b == quote => return Some(at + 1),
            _ => at += 1,
        }
    }
}

/// Length of a number: digits, a fraction, an exponent.
fn number_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
    let mut at = 0;
    while digit(at)
        || bytes.get(at) == Some(&b'.') && bytes.get(at + 1).is_some_and(u8::is_ascii_digit)
        || matches!(bytes.get(at), Some(b'+' | b'-')) && at > 0 && matches!(bytes[at - 1], b'e' | b'E')
    {
        at += 1;
    }
    at
}
