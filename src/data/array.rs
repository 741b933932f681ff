//! Cuts a JSON array into its elements without parsing them, so that one broken element costs only itself.
//! Does not know what the elements mean.

/// The byte ranges of the elements of the array that `bytes` spells. A range whose element is broken (unclosed string or
/// bracket) still comes, and cutting goes on at the next line that starts an object at the same depth or further left.
pub(super) fn elements(bytes: &[u8]) -> Vec<std::ops::Range<usize>> {
    let mut found = Vec::new();
    let mut at = bytes
        .iter()
        .position(|byte| *byte == b'[')
        .map_or(bytes.len(), |open| open + 1);
    loop {
        at += bytes[at..]
            .iter()
            .take_while(|byte| byte.is_ascii_whitespace() || **byte == b',')
            .count();
        if at >= bytes.len() || bytes[at] == b']' {
            return found;
        }
        let (end, next) = match element_end(bytes, at) {
            Some(end) => (end, end),
            None => {
                let next = resume(bytes, at);
                (next, next)
            }
        };
        let trailing = bytes[at..end]
            .iter()
            .rev()
            .take_while(|byte| byte.is_ascii_whitespace())
            .count();
        found.push(at..end - trailing);
        at = next;
    }
}

/// Where the element that starts at `start` ends; `None` where it never closes or its brackets do not match.
fn element_end(bytes: &[u8], start: usize) -> Option<usize> {
    let (mut open, mut in_string, mut at) = (Vec::new(), false, start);
    while at < bytes.len() {
        match (in_string, bytes[at]) {
            (true, b'\\') => at += 1,
            // JSON strings hold no raw line breaks, so this one was never closed.
            (true, b'\n') => return None,
            (true, b'"') => {
                in_string = false;
                if open.is_empty() {
                    return Some(at + 1);
                }
            }
            (true, _) => {}
            (false, b'"') => in_string = true,
            (false, b'{') => open.push(b'}'),
            (false, b'[') => open.push(b']'),
            (false, close @ (b'}' | b']')) => match open.pop() {
                None => return Some(at.max(start + 1)),
                Some(needed) if needed != close => return None,
                Some(_) if open.is_empty() => return Some(at + 1),
                Some(_) => {}
            },
            (false, b',') if open.is_empty() => return Some(at),
            _ => {}
        }
        at += 1;
    }
    (open.is_empty() && !in_string).then_some(bytes.len())
}

/// Where to go on after the broken element at `start`.
fn resume(bytes: &[u8], start: usize) -> usize {
    let line_start = bytes[..start]
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |at| at + 1);
    let column = start - line_start;
    let mut at = start;
    while let Some(line_break) = bytes[at..].iter().position(|byte| *byte == b'\n') {
        at += line_break + 1;
        let indent = bytes[at..]
            .iter()
            .take_while(|byte| matches!(byte, b' ' | b'\t'))
            .count();
        if indent <= column && bytes.get(at + indent) == Some(&b'{') {
            return at + indent;
        }
    }
    bytes.len()
}
