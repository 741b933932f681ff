//! Templates that come with downloaded models are foreign programs: whatever they do, a render ends soon with a text or an error,
//! on the small stack of a test thread, without reading a file.
use std::time::{Duration, Instant};

use burnish::template::{Mode, Template, TemplateError, render};

use crate::template_spans::{TWO_TURNS, chat, options};

/// Longer than any render may take, with room for a busy machine: without limits these would not end at all.
const PATIENCE: Duration = Duration::from_secs(5);

fn run(source: &str) -> Result<String, TemplateError> {
    let template = Template {
        name: "hostile".to_owned(),
        source: source.to_owned(),
    };
    let start = Instant::now();
    let result = render(&template, &chat(&TWO_TURNS), &options(Mode::Assistant)).map(|r| r.text);
    let shown: String = source.chars().take(120).collect();
    assert!(start.elapsed() < PATIENCE, "{shown} took {:?}", start.elapsed());
    println!("{:>9.3?} {shown}", start.elapsed());
    result
}

/// Must be refused as a faulty template.
fn refused(source: &str) {
    let result = run(source);
    let shown: String = source.chars().take(200).collect();
    assert!(matches!(result, Err(TemplateError::Jinja { .. })), "{shown}");
}

#[test]
fn loops_end() {
    refused("{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}");
    refused("{% for i in range(1000000000) %}{% endfor %}");
    refused("{% set b = 'x' * 4000000 %}{% for i in range(100000) %}{% if 'y' in b %}{% endif %}{% endfor %}");
    refused("{% set b = 'x' * 4000000 %}{% for i in range(100000) %}{% if b[::-1] == b %}{% endif %}{% endfor %}");
    refused("{% set b = 'x' * 4000000 %}{% for i in range(100000) %}{{ b | length }}{% endfor %}");
    refused("{% set b = range(100000) | list %}{% for i in range(100000) %}{% set c = b | sort %}{% endfor %}");
    refused("{% macro two(n) %}{{ two(n + 1) }}{{ two(n + 1) }}{% endmacro %}{{ two(0) }}");
    refused("{% for a in 'x' * 4000000 %}{% for b in 'x' * 4000000 %}{% endfor %}{% endfor %}");
}

#[test]
fn texts_stay_small() {
    for source in [
        "{{ 'x' * 1000000000 }}",
        "{{ 1000000000 * 'x' }}",
        "{% set ns = namespace(s='xx') %}{% for i in range(60) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
        "{% set ns = namespace(s='xx') %}{% for i in range(60) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
        "{% set a = 'x' * 8000000 %}{{ a.replace('x', a) }}",
        "{% set a = 'x' * 8000000 %}{{ a | replace('x', a) }}",
        "{{ 'x' | indent(1000000000, true) }}",
        "{% set a = 'x' * 1000000 %}{{ a | indent(a, true) | indent(a, true) | indent(a, true) }}\n{{ ('a\n' * 9999) | indent(a) }}",
        "{% set a = 'x' * 8000000 %}{{ (a | list) | join(a) }}",
        "{% set a = 'x' * 8000000 %}{{ a.join(a | list) }}",
        "{{ '%1000000000d' % 5 }}",
        "{{ '%1000000000d' | format(5) }}",
        "{{ '{:1000000000}'.format(5) }}",
        "{{ '%*d' % (1000000000, 5) }}",
        "{{ 'x' | center(1000000000) }}",
        "{{ 'x'.ljust(1000000000) }}",
        "{% set ns = namespace(l=[]) %}{% for i in range(100000) %}{% set ns.l = ns.l + ['x' * 1000000] %}{% endfor %}",
        "{% set big = 'x' * 100000 %}{% for a in range(100000) %}{{ big }}{% endfor %}",
        "{% set big = 'x' * 100000 %}{% set all %}{% for a in range(100000) %}{{ big }}{% endfor %}{% endset %}",
        "{% macro grow(s) %}{{ grow(s ~ s) }}{% endmacro %}{{ grow('xx') }}",
        "{{ [messages] * 1000000000 }}",
        "{% set ns = namespace(l=[1]) %}{% for i in range(60) %}{% set ns.l = ns.l + ns.l %}{% endfor %}",
        "{{ [1] | batch(1000000000, 'x') | list }}",
        "{{ [1] | slice(1000000000) | list }}",
        "{{ 2 ** 1000000000 }}",
    ] {
        refused(source);
    }
}

#[test]
fn nothing_is_too_deep() {
    let many = |text: &str, count: usize| text.repeat(count);
    let deep = 100_000;
    refused(&format!("{{{{ {}1{} }}}}", many("(", deep), many(")", deep)));
    refused(&format!("{{{{ {}1{} }}}}", many("[", deep), many("]", deep)));
    refused(&format!("{{{{ {}1{} }}}}", many("{'a':", deep), many("}", deep)));
    refused(&format!("{{{{ {}1 }}}}", many("-", deep)));
    refused(&format!("{{{{ {}1 }}}}", many("not ", deep)));
    refused(&format!("{{{{ 1{} }}}}", many(" + 1", deep)));
    refused(&format!("{{{{ 1{} }}}}", many(" ** 1", deep)));
    refused(&format!("{{{{ 1{} }}}}", many(" or 1", deep)));
    refused(&format!("{{{{ 1{} }}}}", many(" if 1 else 1", deep)));
    refused(&format!("{{{{ messages{} }}}}", many(".a", deep)));
    refused(&format!("{{{{ messages{} }}}}", many("[0]", deep)));
    refused(&format!("{{{{ 'a'{} }}}}", many(" | trim", deep)));
    refused(&format!("{{{{ f{} }}}}", many("(f", deep)));
    refused(&many("{% if true %}", 20_000));
    refused(&format!("{{% if a %}}{}{{% endif %}}", many("{% elif a %}", 20_000)));
    refused(&format!(
        "{{% if a %}}{}{{% endif %}}",
        many("{% elif a %}{% if b %}{% endif %}", 10_000)
    ));
    refused(&many("{% for a in b %}", 20_000));
    refused("{% macro f(n) %}{{ f(n + 1) }}{% endmacro %}{{ f(0) }}");
    refused("{% macro f(n) %}{% call f(n) %}{% endcall %}{{ caller() }}{% endmacro %}{% call f(0) %}{% endcall %}");
    refused("{% for a in [1] recursive %}{{ loop([1]) }}{% endfor %}");
    refused("{% for a in [[1]] recursive %}{{ loop([a]) }}{% endfor %}");
}

/// As long and as deep as is let through: on the stack of a thread this must still be parsed, run and let go.
#[test]
fn what_is_let_through_fits_on_a_small_stack() {
    let many = |text: &str, count: usize| text.repeat(count);
    for source in [
        format!("{{{{ {}1 }}}}", many("not ", 2_990)),
        format!("{{{{ 1{} }}}}", many(" if 1 else 1", 740)),
        format!("{{{{ 1{} }}}}", many(" + 1", 1_490)),
        format!("{{{{ 1{} }}}}", many(" - 1", 1_490)),
        format!("{{{{ 1{} }}}}", many(" or 1", 1_490)),
        format!("{{{{ 1{} }}}}", many(" < 1", 1_490)),
        format!("{{{{ 1{} }}}}", many(" ** 1", 1_490)),
        format!("{{{{ messages{} }}}}", many(".a", 1_490)),
        format!("{{{{ messages{} }}}}", many("[0]", 990)),
        format!("{{{{ 'a'{} }}}}", many("|trim", 1_490)),
        format!("{{{{ 1{} }}}}", many(" is true", 1_490)),
        format!("{{{{ {}1{} }}}}", many("(", 55), many(")", 55)),
        format!("{{{{ {}1{} }}}}", many("[1 + ", 36), many("]", 36)),
        format!("{{% if a %}}{}{{% endif %}}", many("{% elif a %}", 199)),
        format!("{}x{}", many("{% if true %}", 70), many("{% endif %}", 70)),
        format!("{}x{}", many("{% for a in [1] %}", 70), many("{% endfor %}", 70)),
        format!("{}x{}", many("{% macro m() %}", 70), many("{% endmacro %}", 70)),
    ] {
        let _ = run(&source);
    }
}

/// What lies in itself many times would overflow the stack when it is let go.
#[test]
fn values_do_not_nest_without_end() {
    let grow =
        |step: &str| format!("{{% set ns = namespace(v=[]) %}}{{% for i in range(100000) %}}{step}{{% endfor %}}done");
    for step in [
        "{% set ns.v = [ns.v] %}",
        "{% set ns.v = {'a': ns.v} %}",
        "{% set ns.v = (ns.v, 1) %}",
        "{% set ns.v = namespace(a=ns.v) %}",
        "{% set ns.v = [ns.v] | map('string') %}",
        "{% set ns.v = [ns.v] | select('defined') %}",
        "{% set ns.v = dict(a=ns.v) %}",
        "{% set ns.v = [ns.v] | batch(1) | list %}",
        "{% set ns.v = [1, ns.v] | reverse %}",
        "{% set old = ns.v %}{% macro m() %}{{ old }}{% endmacro %}{% set ns.v = m %}",
    ] {
        refused(&grow(step));
    }
    // Slices of slices hold one another without growing.
    for step in ["{% set ns.v = ns.v[0:] %}", "{% set ns.v = ns.v | list %}"] {
        let _ = run(&grow(step));
    }
    let many = "{% set a = [a] %}".repeat(20_000);
    refused(&format!("{{% set a = [] %}}{many}"));
}

#[test]
fn no_file_is_read() {
    for source in [
        "{% include '/etc/passwd' %}",
        "{% include 'chat' %}",
        "{% include 'chat' ignore missing %}{% include 'chat' %}",
        "{% import '/etc/passwd' as p %}{{ p }}",
        "{% from '/etc/passwd' import root %}",
        "{% extends '/etc/passwd' %}",
        "{{ self.__class__.__mro__ }}{{ ''.__class__.__base__.__subclasses__() }}",
    ] {
        match run(source) {
            Ok(text) => assert!(!text.contains("root"), "{source}"),
            Err(error) => assert!(matches!(error, TemplateError::Jinja { .. })),
        }
    }
}

/// Everything at once, over and over: the process is still there and its memory is given back.
#[test]
fn a_row_is_rendered_as_before_afterwards() {
    for _ in 0..3 {
        refused("{% set ns = namespace(s='xx') %}{% for i in range(60) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}");
    }
    assert_eq!(run("{{ messages[1].content }}").as_deref(), Ok("Hi"));
}
