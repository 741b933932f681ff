//! The template language: Python's ways, errors with lines, limits.
use std::time::Instant;

use burnish::data::Role;
use burnish::template::{Mode, RenderOptions, Template, TemplateError, render};

use crate::template_spans::{TWO_TURNS, chat, options};

fn run(source: &str) -> Result<String, TemplateError> {
    let template = Template {
        name: "t".to_owned(),
        source: source.to_owned(),
    };
    render(&template, &chat(&TWO_TURNS[..3]), &options(Mode::Assistant)).map(|r| r.text)
}

#[test]
fn python_methods_and_json() {
    let cases = [
        ("{{ 'a</think>b</think>c'.split('</think>')[-1] }}", "c"),
        ("{{ 'a b c'.rsplit(' ', 1) | join('|') }}", "a b|c"),
        (
            "{{ ' x '.strip() ~ 'ab'.removeprefix('a') ~ 'k=v'.partition('=')[2] }}",
            "xbv",
        ),
        (
            "{{ messages[0].items() | list | length }}{{ messages[0].get('nope', 'd') }}",
            "2d",
        ),
        (
            "{{ {'a': [1, 2.0, true, none], 'b': '<&\"é\\n'} | tojson }}",
            r#"{"a": [1, 2.0, true, null], "b": "<&\"é\n"}"#,
        ),
        (
            "{{ {'b': 1, 'a': []} | tojson(indent=2, sort_keys=true) }}",
            "{\n  \"a\": [],\n  \"b\": 1\n}",
        ),
        (
            "{{ [1e-7, 1e16, 0.1] | tojson(separators=(',', ':')) }}",
            "[1e-07,1e+16,0.1]",
        ),
        ("{{ true }} {{ none }} {{ ['a', 1] }}", "True None ['a', 1]"),
        (
            "{{ tools is none }}{{ nope is defined }}{{ 'x' is iterable }}{{ tools is iterable }}",
            "TrueFalseTrueFalse",
        ),
        (
            "{% set ns = namespace(n=0) %}{% for m in messages %}{% if m.role == 'user' %}{% continue %}{% endif %}\
          {% set ns.n = ns.n + 1 %}{% endfor %}{{ ns.n }}",
            "2",
        ),
        ("a\n  {% if true %}\nb\n  {% endif %}\nc\r\n", "a\nb\nc"),
        (
            "{# {% generation %} #}{% raw %}{% generation %}{% endraw %}{{ '{% generation %}' }}",
            "{% generation %}{% generation %}",
        ),
    ];
    for (source, expected) in cases {
        assert_eq!(run(source).as_deref(), Ok(expected), "{source}");
    }
    let flag = RenderOptions {
        vars: [("think".to_owned(), "false".to_owned())].into(),
        ..RenderOptions::default()
    };
    let template = Template {
        name: "t".to_owned(),
        source: "{{ 'yes' if think else 'no' }}".to_owned(),
    };
    assert_eq!(render(&template, &chat(&TWO_TURNS), &flag).unwrap().text, "no");
}

#[test]
fn errors_name_the_line_and_refusals_the_reason() {
    let error = run("line one\nline two {{ messages[0].content + 3 }}\n").unwrap_err();
    assert!(matches!(&error, TemplateError::Jinja { line: 2, .. }), "{error}");
    let error = run("\n\n{% if %}").unwrap_err();
    assert!(matches!(&error, TemplateError::Jinja { line: 3, .. }), "{error}");
    let error = run("{% generation %}{{ 1 }}").unwrap_err();
    assert!(matches!(&error, TemplateError::Jinja { .. }), "{error}");
    let error =
        run("{% macro no() %}{{ raise_exception('Roles must alternate') }}{% endmacro %}{{ no() }}").unwrap_err();
    assert_eq!(
        error,
        TemplateError::Refused {
            name: "t".to_owned(),
            message: "Roles must alternate".to_owned()
        }
    );
}

#[test]
fn mistakes_are_told_in_plain_words() {
    let missing = "is undefined, so nothing can be read from it. `is defined` asks for it first.";
    let cases = [
        (
            "a\n{% if true %}\nb\n",
            2,
            "{% if %} is never closed: {% endif %} is missing.",
        ),
        (
            "{% for m in messages %}\n{% if m %}\n{% endfor %}",
            3,
            "Here stands {% endfor %}, but {% if %} of line 2 is still open: {% endif %} is missing.",
        ),
        (
            "\n{% endgeneration %}",
            2,
            "Here stands {% endgeneration %}, but no {% generation %} is open.",
        ),
        (
            "{% if a %}\n{% elseif b %}{% endif %}",
            2,
            "There is no tag called {% elseif %}. Write {% elif ... %}.",
        ),
        (
            "a\n{{ messages[0].content ",
            2,
            "This `{{` is never closed: `}}` is missing.",
        ),
        (
            "{% for m in messages %}\n{{ m\n{% endfor %}",
            2,
            "This `{{` is never closed: `}}` is missing.",
        ),
        ("{{ (1 + 2 }}", 1, "Unexpected `}`, expected `)`."),
        ("\n\n{{ 'abc }}", 3, "The text is not closed: its quote is missing."),
        ("{% for x messages %}{% endfor %}", 1, "Unexpected word, expected `in`."),
        ("\n{{ messages | nofilter }}", 2, "There is no filter called nofilter."),
        ("{{ nofunction(1) }}", 1, "There is no function called nofunction."),
        ("{{ 'x'.nomethod() }}", 1, "A string has no method called nomethod."),
        (
            "{{ messages[0].content + 3 }}",
            1,
            "`+` does not work between text and a number; `~` joins anything as text.",
        ),
        (
            "{% include 'x' %}",
            1,
            "Chat templates stand alone: another file cannot be read from here.",
        ),
    ];
    for (source, at, words) in cases {
        let Err(TemplateError::Jinja { line, message, .. }) = run(source) else {
            panic!("{source} is not refused");
        };
        assert_eq!((line, message.as_str()), (at, words), "{source}");
    }
    let error = run("\n{{ messages[0].foo.bar }}").unwrap_err().to_string();
    assert_eq!(error, format!("Template t, line 2: `messages[0].foo` {missing}"));
}

#[test]
fn hostile_templates_fail_fast() {
    let endless = "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}";
    let flood = "{% set big = 'x' * 100000 %}{% for a in range(100000) %}{{ big }}{% endfor %}";
    let captured =
        "{% set big = 'x' * 100000 %}{% set all %}{% for a in range(100000) %}{{ big }}{% endfor %}{% endset %}";
    let recursive = "{% macro f(n) %}{{ f(n + 1) }}{% endmacro %}{{ f(0) }}";
    for source in [endless, flood, captured, recursive] {
        let start = Instant::now();
        let error = run(source).unwrap_err();
        assert!(matches!(error, TemplateError::Jinja { .. }));
        assert!(start.elapsed().as_secs() < 10, "{source} took {:?}", start.elapsed());
    }
}

#[test]
fn a_long_row_renders_in_a_fraction_of_the_budget() {
    let text = "word ".repeat(45);
    let turns: Vec<(Role, &str)> = (0..40)
        .map(|i| (if i % 2 == 0 { Role::User } else { Role::Assistant }, text.as_str()))
        .collect();
    for name in Template::builtin_names() {
        let template = Template::builtin(name).unwrap();
        render(&template, &chat(&turns), &options(Mode::Assistant)).unwrap();
        let start = Instant::now();
        render(&template, &chat(&turns), &options(Mode::Assistant)).unwrap();
        println!("{name}: {:?}", start.elapsed());
        // A loose bound against work that grows with the whole; speed itself is measured in benchmarks.
        assert!(start.elapsed().as_millis() < 1000, "{name} took {:?}", start.elapsed());
    }
}
