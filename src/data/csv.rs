//! Comma- or tab-separated text to records: quoted fields, doubled quotes, line breaks inside quotes. Does not know what
//! the columns mean.

/// One record and the line, from 1, on which it starts.
pub(super) struct Record {
    pub line: usize,
    pub fields: Vec<String>,
}

/// Reads all records; blank lines make none. An unclosed quote ends with the text.
pub(super) fn records(text: &str, separator: char) -> Vec<Record> {
    let mut records = Vec::new();
    let (mut fields, mut field, mut line, mut start) = (Vec::new(), String::new(), 1, 1);
    let mut quoted = false;
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        line += usize::from(char == '\n');
        match char {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                field.push('"');
            }
            '"' if quoted => quoted = false,
            '"' if field.is_empty() => quoted = true,
            _ if quoted => field.push(char),
            '\r' if chars.peek() == Some(&'\n') => {}
            '\n' => {
                fields.push(std::mem::take(&mut field));
                push(&mut records, start, std::mem::take(&mut fields));
                start = line;
            }
            _ if char == separator => fields.push(std::mem::take(&mut field)),
            _ => field.push(char),
        }
    }
    fields.push(field);
    push(&mut records, start, fields);
    records
}

fn push(records: &mut Vec<Record>, line: usize, fields: Vec<String>) {
    if fields.iter().any(|field| !field.trim().is_empty()) {
        records.push(Record { line, fields });
    }
}
