"""Regenerates expressions.json: what small templates give in transformers' Jinja, one a line: operators, methods, filters, tests,
loops, macros, errors. `null` stands for an error of any kind. README.md in this folder names the packages.

    python3 tests/golden/expressions.py [--check]
"""

import json
import sys
from pathlib import Path

import real_templates

STORED = Path(__file__).resolve().parent / "expressions.json"
LINES = r"""
{{ 1.0 }} {{ 1e-7 }} {{ 1e16 }} {{ 0.1 + 0.2 }} {{ 10 / 4 }} {{ 10 // 4 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 7 % -3 }} {{ 2 ** 10 }} {{ 7 / 7 }} {{ 3 * 1.5 }}
{{ 5.5 % 2 }} {{ -5.5 // 2 }} {{ 1e300 * 1e10 }}
{{ true + 1 }} {{ [1] + [2] }} {{ (1,) + (2,) }} {{ 'a' * 3 }} {{ [1, 'a'] * 2 }} {{ 3 * 'ab' }} {{ -1 * 'ab' }}|{{ 'x' * 0 }}
{{ [1, 2.5, 'a', "it's", 'q"q', 'both\'"', none, true, {'a': [1]}, (1, 2), (1,), ()] }}
{{ {'a': 1, 'b': 'x\ny\t\\', 3: none} }}
{{ 'abc'[0] }} {{ 'abc'[-1] }} {{ 'abcdef'[1:4] }} {{ 'abcdef'[::-1] }} {{ 'abcdef'[-3:] }} {{ 'abcdef'[:-2] }} {{ 'abcdef'[::2] }} {{ 'abcdef'[4:1:-1] }} {{ 'abcdef'[10:] }}|
{{ [1,2,3][1:] }} {{ [1,2,3][::-1] }} {{ [1,2,3][-2:] }} {{ (1,2,3)[1:] }} {{ [1,2,3][5:] }} {{ [1,2,3,4][1:3] | list }} {{ [1,2,3][:-1] | length }}
{{ [1,2,3][1:] is sequence }} {{ [1,2,3][1:] is iterable }} {{ [1,2,3][1:] | tojson }} {{ ([1] + [2]) | tojson }} {{ [1,2,3][1:][0] }}
{{ 'x' in 'xyz' }} {{ 1 in [1, 2] }} {{ 'a' in {'a': 1} }} {{ 'b' not in ['a'] }} {{ 1 == 1.0 }} {{ true == 1 }} {{ 'a' < 'b' }} {{ [1] == [1] }} {{ none == false }} {{ '' == none }}
{{ 1 is number }} {{ 1.5 is float }} {{ 1 is integer }} {{ true is boolean }} {{ 'a' is string }} {{ {} is mapping }} {{ [] is sequence }} {{ none is none }} {{ x is defined }} {{ x is undefined }} {{ 'a' is sequence }} {{ {} is iterable }} {{ 1 is iterable }} {{ true is number }} {{ true is integer }}
{{ 3 is odd }} {{ 4 is even }} {{ 9 is divisibleby 3 }} {{ 1 is eq 1 }} {{ 1 is lt 2 }} {{ 'a' is in ['a'] }} {{ 'A' is upper }} {{ 'a' is lower }} {{ true is true }} {{ 1 is true }} {{ none is sameas none }}
{{ x }}|{{ x.y is defined }}|{{ x | default('d') }}|{{ '' | default('d') }}|{{ '' | default('d', true) }}|{{ none | default('d') }}|{{ none or 'e' }}|{{ x or 'f' }}|{{ 0 or '' or [] or 'g' }}
{{ 'a' if true }}|{{ 'a' if false }}|{{ 'a' if false else 'b' }}|{{ ('a' if false) is undefined }}
{{ 'Hello World'.upper() }} {{ 'Hello'.lower() }} {{ 'hello world'.title() }} {{ 'hELLO'.capitalize() }} {{ 'aBc'.swapcase() }} {{ 'ß'.upper() }} {{ "they're bill's".title() }} {{ 'x-y z_w'.title() }}
{{ '  a b  '.strip() }}|{{ '  a '.lstrip() }}|{{ ' a  '.rstrip() }}|{{ 'xxaxx'.strip('x') }}|{{ '\x1c a \x1f'.strip() }}|{{ '\u3000a\u00a0'.strip() }}|{{ 'abcab'.strip('ab') }}|{{ '\n\na\n'.strip('\n') }}
{{ 'a,b,c'.split(',') }} {{ 'a b  c '.split() }} {{ 'a,b,c'.split(',', 1) }} {{ 'a b c'.split(none, 1) }} {{ ''.split() }} {{ ''.split(',') }} {{ 'a,b,c'.rsplit(',', 1) }} {{ ' a  b '.rsplit(none, 1) }} {{ 'abc'.split(',') }}
{{ 'a\nb\r\nc\x0bd\u2028e'.splitlines() }} {{ 'a\nb\n'.splitlines(true) }} {{ ''.splitlines() }}
{{ 'abc'.startswith('ab') }} {{ 'abc'.startswith(('x', 'a')) }} {{ 'abc'.endswith('c') }} {{ 'abc'.endswith(('x','bc')) }} {{ 'abc'.find('c') }} {{ 'abc'.find('z') }} {{ 'abcb'.rfind('b') }} {{ 'abcb'.count('b') }} {{ 'abc'.index('b') }}
{{ 'aXbX'.replace('X', '-') }} {{ 'aXbX'.replace('X', '-', 1) }} {{ 'ab'.replace('', '-') }} {{ 'abc'.removeprefix('a') }} {{ 'abc'.removesuffix('c') }} {{ 'a=b=c'.partition('=') }} {{ 'a=b=c'.rpartition('=') }} {{ 'abc'.partition('=') }}
{{ ', '.join(['a', 'b']) }} {{ ''.join([]) }}| {{ '-'.join('abc') }} {{ ['a', 1, none] | join(', ') }} {{ [{'a': 1}, {'a': 2}] | join(',', attribute='a') }}
{{ 'abc'.isalpha() }} {{ '12'.isdigit() }} {{ '1²'.isdigit() }} {{ '½'.isnumeric() }} {{ '12'.isdecimal() }} {{ 'a1'.isalnum() }} {{ ' '.isspace() }} {{ 'ab'.islower() }} {{ 'AB'.isupper() }} {{ 'Ab'.istitle() }}
{{ 'a'.center(5) }}|{{ 'a'.ljust(3) }}|{{ 'a'.rjust(3, '0') }}|{{ '7'.zfill(3) }}|{{ 'a\tb'.expandtabs(4) }}
{{ '{} {}'.format('a', 1) }} {{ '{0}-{0}'.format('x') }} {{ '{a}'.format(a=1) }} {{ '{:>5}'.format('x') }} {{ '{:.2f}'.format(3.14159) }} {{ '%s is %d' % ('a', 3) }} {{ '%.2f' % 2.5 }} {{ '%5s|%-5s|' % ('a', 'b') }} {{ '%s' % 'x' }} {{ '%%' % () }} {{ '%05d' % 42 }} {{ '%s' % [1] }} {{ '%x' % 255 }}
{{ {'a': 1, 'b': 2}.items() | list }} {{ {'a': 1}.keys() | list }} {{ {'a': 1}.values() | list }} {{ {'a': 1}.get('a') }} {{ {'a': 1}.get('z') }} {{ {'a': 1}.get('z', 5) }} {{ {'a': 1}['a'] }} {{ {'a': 1}.a }} {{ {'a': 1}['z'] is defined }}
{% for k, v in {'a': 1, 'b': 2}.items() %}{{ k }}={{ v }}{{ ',' if not loop.last }}{% endfor %} {% for k in {'a': 1} %}{{ k }}{% endfor %} {% for k, v in {'b': 1, 'a': 2} | dictsort %}{{ k }}{{ v }}{% endfor %} {% for k, v in {'b': 1} | items %}{{ k }}{{ v }}{% endfor %}
{{ [3,1,2] | sort }} {{ ['b', 'A', 'c'] | sort }} {{ ['b', 'A', 'c'] | sort(case_sensitive=true) }} {{ [3,1,2] | sort(reverse=true) }} {{ [{'a': 2}, {'a': 1}] | sort(attribute='a') }} {{ [1,2,3] | reverse | list }} {{ 'abc' | reverse }} {{ [1, 1, 2] | unique | list }} {{ ['a', 'A'] | unique | list }}
{{ [1,2,3] | sum }} {{ [1,2,3] | min }} {{ [1,2,3] | max }} {{ [1,2,3] | first }} {{ [1,2,3] | last }} {{ 'abc' | first }} {{ [] | first is defined }} {{ [1,2,3] | length }} {{ 'abc' | count }} {{ [{'a': 1}] | sum(attribute='a') }}
{{ [1,2,3] | map('string') | list }} {{ [{'a': 1}, {}] | map(attribute='a', default=0) | list }} {{ ['a'] | map('upper') | join }} {{ [1,2,3] | select('odd') | list }} {{ [1,2,3] | reject('odd') | list }} {{ [{'a': 1}, {'a': 0}] | selectattr('a') | list }} {{ [{'a': 1}, {'a': 2}] | selectattr('a', 'equalto', 2) | list }} {{ [{'r': 'x'}, {}] | rejectattr('r', 'defined') | list }}
{{ 'a b' | title }} {{ 'aB' | upper }} {{ ' x ' | trim }} {{ 'xax' | trim('x') }} {{ 'a\nb' | indent }} {{ 'a\nb\n\nc' | indent(2, true) }} {{ 'a\n\nb' | indent(2, blank=true) }} {{ 'abc' | replace('b', 'X') }} {{ 'a b c' | wordcount }} {{ 'x' | string }} {{ 1 | string }} {{ 1.0 | string }} {{ [1] | string }}
{{ '3' | int }} {{ 'x' | int }} {{ 'x' | int(5) }} {{ '3.7' | int }} {{ 3.7 | int }} {{ '3.5' | float }} {{ 'x' | float }} {{ 3.14159 | round(2) }} {{ 2.5 | round }} {{ 3.5 | round }} {{ -3 | abs }} {{ 2.567 | round(1, 'floor') }} {{ '0x1f' | int(0, 16) }} {{ 7 | round }}
{{ 'a<b>&"\'' | e }} {{ 'a<b' | escape }} {{ '<b>' | safe }} {{ 'x' | safe + '<' }} {{ 'x' | safe ~ '<' }} {{ ('<' | e) + '<' }}
{{ [1,2,3,4,5] | batch(2) | list }} {{ [1,2,3] | batch(2, 'x') | list }} {{ [1,2,3,4,5] | slice(2) | list }} {{ [{'a': 1, 'b': 2}, {'a': 1, 'b': 3}] | groupby('a') | length }} {% for g in [{'a': 1}, {'a': 2}] | groupby('a') %}{{ g.grouper }}{{ g.list }}{% endfor %} {{ 'abc' | list }} {{ {'a': 1} | list }} {{ (1,2) | list }} {{ range(3) | list }}
{{ range(1, 10, 3) | list }} {{ range(5, 0, -2) | list }} {{ range(3) | length }} {{ range(3)[1] }} {{ 2 in range(3) }}
{{ {'a': [1, {'b': none}]} | tojson }} {{ [] | tojson }} {{ {} | tojson }} {{ {'a': []} | tojson(indent=2) }} {{ [1, 2] | tojson(indent=4) }} {{ 'é"\\\n\u2028' | tojson }} {{ 'é😀' | tojson(ensure_ascii=true) }} {{ {'b': 1, 'a': 2} | tojson(sort_keys=true) }} {{ {'a': 1} | tojson(separators=(',', ':')) }} {{ 1.0 | tojson }} {{ (1, 2) | tojson }} {{ '<>&\'' | tojson }}
{% set ns = namespace(a=1, b=[]) %}{% for i in range(3) %}{% set ns.a = ns.a + i %}{% set ns.b = ns.b + [i] %}{% endfor %}{{ ns.a }} {{ ns.b }} {{ ns.zz is defined }}
{% for i in range(5) %}{% if i == 1 %}{% continue %}{% endif %}{% if i == 3 %}{% break %}{% endif %}{{ i }}{% endfor %}
{% for i in [1,2,3] %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.previtem }}{{ loop.nextitem }}{{ loop.cycle('a', 'b') }}{{ loop.changed(i) }}{{ loop.depth }} {% endfor %}
{% for i in [] %}x{% else %}empty{% endfor %} {% for i in [1,2,3] if i > 1 %}{{ i }}{{ loop.index }}{% endfor %} {% for a, b in [(1, 2), (3, 4)] %}{{ a }}{{ b }}{% endfor %} {% for c in 'héy' %}{{ c }}.{% endfor %}
{% for i in [1, [2, [3]]] recursive %}{% if i is iterable and i is not string %}({{ loop(i) }}){% else %}{{ i }}{% endif %}{% endfor %}
{% for i in [1,2,3] | select('odd') %}{{ loop.index }}{{ loop.last }}{{ loop.length }} {% endfor %}
{% set g = [1,2,3] | select('odd') %}{% for i in g %}{{ i }}{% endfor %}|{% for i in g %}{{ i }}{% endfor %}
{% macro f(a, b=2, c='x') %}{{ a }}{{ b }}{{ c }}{% endmacro %}{{ f(1) }} {{ f(1, c=3) }} {{ f(1, 2, 3) }}
{% macro f(a) %}[{{ a }}]{% endmacro %}{% set x = f('q') %}{{ x | upper }} {{ x ~ 'z' }} {{ f() }}
{% macro wrap(t) %}<{{ t }}>{{ caller() }}</{{ t }}>{% endmacro %}{% call wrap('b') %}inside{% endcall %} {% macro each(l) %}{% for i in l %}{{ caller(i) }}{% endfor %}{% endmacro %}{% call(i) each([1,2]) %}({{ i }}){% endcall %}
{% set a, b = 1, 2 %}{{ a }}{{ b }} {% set c = (1, 2) %}{{ c }} {% set d %}  cap {{ a }} {% endset %}[{{ d }}]{% set e | upper %}up{% endset %}{{ e }}
{% with a = 1, b = 2 %}{{ a + b }}{% endwith %} {% filter upper %}abc{{ 'd' }}{% endfilter %} {% if false %}a{% elif true %}b{% else %}c{% endif %} {% raw %}{{ x }}{% endraw %} {# c #}x
{{ 'a' ~ 1 ~ none ~ true ~ 1.5 ~ [1] ~ {'a': 1} }} {{ 'a' 'b' }} {{ "a\tb" }} {{ 'a\'b' }} {{ 'a\\b' }}
{{ 1 < 2 < 3 }} {{ 1 < 3 < 2 }} {{ not true }} {{ not false and true }} {{ true and 'x' }} {{ '' and 'x' }}| {{ 1 and 0 }} {{ -3 + +2 }} {{ 2 - -2 }} {{ -2 ** 2 }} {{ (-2) ** 2 }} {{ 2 ** 3 ** 2 }} {{ -'3' | int }}
{{ 7 - 2 - 1 }} {{ 7 - 2 + 1 }} {{ 2 + 3 * 4 }} {{ 2 * 3 + 4 }} {{ 8 / 2 / 2 }} {{ 2 * 6 // 4 }} {{ 1 + 2 ~ 3 }} {{ 1 ~ 2 + 3 }} {{ 'a' ~ 1 + 2 }} {{ 5 % 3 * 2 }}
{{ 'abc' | length + 1 }} {{ ('a', 'b') | length }} {{ 3 | string + 'x' }} {{ 'a' + 'b' | upper }} {{ [1,2] | first + 1 }} {{ 'x' if 1 + 1 == 2 else 'y' }} {{ 'a' is defined and 'b' is defined }} {{ 1 + 1 is even }}
{{ messages[0].role }} {{ messages[0]['role'] }} {{ messages[-1].content }} {{ messages | length }} {{ messages[0].keys() | list }} {{ messages[0] }} {{ messages[0] | tojson }} {{ messages[0].items() | list }} {{ 'role' in messages[0] }} {{ messages[0].get('nope') }} {{ messages | map(attribute='role') | join(',') }} {{ messages[1:] | length }} {{ (messages | selectattr('role', 'equalto', 'user') | list | first).content }}
{{ 'abc'.foo }}
{{ messages[0].foo.bar }}
{{ x.y }}
{{ x + 1 }}
{{ none + 1 }}
{{ 'a' + 1 }}
{{ 1 + 'a' }}
{{ [1] + 'a' }}
{{ 1 / 0 }}
{{ 1 // 0 }}
{{ 1 % 0 }}
{{ [1,2][5] }}|{{ [1][5] is defined }}
{{ [1,2][5].x }}
{{ none | length }}
{{ 5 | length }}
{{ none.x }}
{{ none | upper }}
{{ 5 | upper }} {{ none | string }} {{ true | string }} {{ [1] | upper }}
{{ 'x' in none }}
{{ 'x' in 5 }}
{% for x in none %}{% endfor %}
{% for x in 5 %}{% endfor %}
{% for x in undefinedthing %}a{% else %}b{% endfor %}
{{ undefinedthing | length }} {{ undefinedthing | list }} {{ undefinedthing | join(',') }}|{{ undefinedthing ~ 'x' }}
{{ undefinedthing() }}
{{ undefinedthing == none }} {{ undefinedthing is none }} {{ not undefinedthing }} {{ undefinedthing in ['a'] }} {{ 'a' in undefinedthing }}
{{ undefinedthing | tojson }}
{{ messages[0].content() }}
{{ 'a'.__class__ }}
{{ messages.append(1) }}
{{ [1].append(2) }}
{{ {'a': 1}.update({'b': 2}) }}
{{ {'a': 1}.pop('a') }}
{{ [1,2].index(2) }} {{ [1,2,1].count(1) }} {{ {'a': 1}.copy() }} {{ [1].copy() }}
{{ (1, 2).index(2) }}
{% set ns = namespace(_a=1) %}{{ ns._a }}
{% set ns = namespace() %}{% set ns._a = 1 %}
{{ strftime_now('%Y-%m-%d %H:%M:%S %d %b %B %a %A %y %j %p %I %e %-d %%') }}
{{ strftime_now('%c|%x|%X') }}
{{ raise_exception('no') }}
{{ 'a' | nofilter }}
{{ 'a' is notest }}
{{ [1,2,3] | join(', ', none) }}
{{ [[1, 2], [3]] | sum(start=[]) }}
{{ 10000000000000000000000 }} {{ 9999999999999999 * 9999999999999999 }} {{ 2 ** 100 }} {{ 1_000 }} {{ 0x10 }} {{ 0b11 }} {{ 1e3 }} {{ 1.5e-3 }}
{{ 'x'|e ~ 1|string }} {{ ['a']|join ~ 'b' }} {{ 'a' if x is not defined else 'b' }} {{ (x if x is defined else 'q') ~ '!' }} {{ {'a': 1 + 1, 'b': 'x' ~ 'y'} }} {{ [1 + 1, 2 * 2] }} {{ f is defined }}
{{ 'a'.join(['x', 'y']) ~ '-' ~ 'b'.upper() + 'c' }} {{ ('a' ~ 'b')[1] }} {{ ('a' + 'b').upper() }} {{ (1 + 2) * 3 }} {{ [1, 2][0] + [3][0] }} {{ {'k': 'v'}['k'] + 'w' }}
{{ 'a' == 'a' ~ '' }} {{ 'ab' in 'a' ~ 'b' }} {{ 1 + 1 in [2] }} {{ 'x' ~ ('y' if true else 'z') }} {{ not 1 + 1 == 2 }} {{ 1 if 2 > 1 and 'a' ~ 'b' == 'ab' else 0 }}
{%- set x = 'a' ~ 'b' -%}  {{- x -}}  {%- if x == 'a' ~ 'b' -%} yes {%- endif -%}
{% set items = messages[1:] + [{'role': 'x', 'content': 'y'}] %}{{ items | length }}{% for m in items %}{{ m.role }}{% endfor %}{{ items[-1].content }}
{% set x = 5 %}{% for i in [1] %}{% set x = 6 %}{{ x }}{% endfor %}{{ x }} {% if true %}{% set x = 7 %}{% endif %}{{ x }}
{{ loop is defined }} {{ messages is sequence }} {{ messages[0] is mapping }} {{ messages[0] is sequence }} {{ messages[0] is iterable }} {{ tools is defined }} {{ tools is none }} {{ documents is none }} {{ add_generation_prompt }} {{ bos_token }} {{ true is sameas true }}
"""


def rendered(source):
    conversation = real_templates.CONVERSATIONS["system"]["messages"]
    try:
        texts, _ = real_templates.machinery.render_jinja_template(
            conversations=[conversation], chat_template=source, **real_templates.SPECIAL
        )
    except Exception:  # noqa: BLE001: whatever it is, transformers gives no text
        return None
    return texts[0]


def main():
    pairs = [[line, rendered(line)] for line in LINES.strip("\n").split("\n")]
    text = "[\n" + ",\n".join(" " + json.dumps(pair, ensure_ascii=False) for pair in pairs) + "\n]\n"
    if "--check" not in sys.argv:
        STORED.write_text(text, encoding="utf-8")
    elif text != STORED.read_text(encoding="utf-8"):
        sys.exit("expressions.json is not what transformers gives here.")


if __name__ == "__main__":
    main()
