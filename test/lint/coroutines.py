#!/usr/bin/env python3
"""Refuses the coroutine forms that g++ 12 miscompiles (docs/architecture.md).

usage: coroutines.py [FILE...]        default: all of src/

co_await in a condition, in a ?: operand or in braces; braces among the arguments of an awaited
call; statement expressions and lambdas that are coroutines; a flow whose first parameter is not
`Handshake&`. Macros are expanded first, since CHECK(co_await f(hs)) may hide any of them.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COROUTINE_WORDS = ("co_await", "co_return", "co_yield")
OPENING = {"(": ")", "[": "]", "{": "}"}
CONDITIONS = ("if", "switch", "while", "for")
SPECIFIERS = ("noexcept", "const", "mutable", "override", "final")
TOKEN = re.compile(r"[A-Za-z_]\w*|\d[\w.']*|::|->|&&|\|\||##|\S")
BLANKED = re.compile(r"//[^\n]*|/\*.*?\*/|R\"(\w*)\(.*?\)\1\"|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])+'",
                     re.DOTALL)
DEFINE = re.compile(r"^[ \t]*#[ \t]*define[ \t]+(\w+)\(([^)]*)\)((?:[^\n\\]|\\\n|\\.)*)", re.MULTILINE)
DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n\\]|\\\n|\\.)*", re.MULTILINE)


def blank(match):
    """Comments become spaces, literals "", and lines keep their numbers."""
    text = match.group(0)
    filler = "" if text[0] == "/" else '""'
    return filler + "\n" * text.count("\n") + " "


def clean(text):
    # A digit separator is not the start of a character literal.
    return BLANKED.sub(blank, re.sub(r"(?<=\d)'(?=\d)", "", text))


class Macro:
    def __init__(self, parameters, body):
        self.parameters = [name.strip() for name in parameters.split(",") if name.strip()]
        self.body = TOKEN.findall(body.replace("\\\n", " "))


def macros_of(text):
    return {name: Macro(parameters, body) for name, parameters, body in DEFINE.findall(clean(text))}


def tokens_of(text):
    """(token, line) pairs, directives left out."""
    text = DIRECTIVE.sub(lambda match: "\n" * match.group(0).count("\n"), clean(text))
    tokens, line, position = [], 1, 0
    for match in TOKEN.finditer(text):
        line += text.count("\n", position, match.start())
        position = match.start()
        tokens.append((match.group(0), line))
    return tokens


def arguments_of(tokens, opening):
    """The arguments of a call, and the index behind its closing parenthesis."""
    depth, current, result = 0, [], []
    for index in range(opening, len(tokens)):
        word = tokens[index][0]
        if word in OPENING:
            depth += 1
        elif word in OPENING.values():
            depth -= 1
        if depth == 0:
            return [*result, current], index + 1
        if depth == 1 and word == ",":
            result.append(current)
            current = []
        elif not (depth == 1 and index == opening):
            current.append(tokens[index])
    return [*result, current], len(tokens)


def expand(tokens, macros, depth=0):
    """Macro calls with a coroutine word among their arguments, replaced by what they stand for."""
    result, index = [], 0
    while index < len(tokens):
        word, line = tokens[index]
        macro = macros.get(word)
        if macro and depth < 8 and index + 1 < len(tokens) and tokens[index + 1][0] == "(":
            arguments, behind = arguments_of(tokens, index + 1)
            if any(w in COROUTINE_WORDS for argument in arguments for w, _ in argument):
                result += expand(substitute(macro, arguments, line), macros, depth + 1)
                index = behind
                continue
        result.append(tokens[index])
        index += 1
    return result


def substitute(macro, arguments, line):
    names = [name for name in macro.parameters if name != "..."]
    values = dict(zip(names, arguments))
    if "..." in macro.parameters:
        rest = []
        for argument in arguments[len(names):]:
            rest += ([(",", line)] if rest else []) + argument
        values["__VA_ARGS__"] = rest
    result = []
    for word in macro.body:
        result += [(w, line) for w, _ in values[word]] if word in values else [(word, line)]
    return result


class Source:
    """Tokens with their brackets matched."""

    def __init__(self, tokens):
        self.words = [word for word, _ in tokens]
        self.lines = [line for _, line in tokens]
        self.match = {}
        self.parent = [None] * len(tokens)
        stack = []
        for index, word in enumerate(self.words):
            if word in OPENING.values() and stack:
                self.match[stack[-1]] = index
                self.match[index] = stack.pop()
            self.parent[index] = stack[-1] if stack else None
            if word in OPENING:
                stack.append(index)

    def word(self, index):
        return self.words[index] if 0 <= index < len(self.words) else ""

    def inside(self, opening):
        return range(opening + 1, self.match.get(opening, len(self.words)))

    def head_end(self, brace):
        """Index of the last token of the head that `brace` may be the body of."""
        index = brace - 1
        arrow = index
        # Over a trailing return type to its arrow.
        while re.match(r"\w|::|[<>*&]$", self.word(arrow)):
            arrow -= 1
        if self.word(arrow) == "->":
            index = arrow - 1
        while self.word(index) in SPECIFIERS:
            index -= 1
        return index

    def brace_kind(self, brace):
        """One of statement-expression, braces, block, control, lambda, function."""
        end = self.head_end(brace)
        word = self.word(end)
        has_statement = any(self.words[i] == ";" for i in self.inside(brace))
        if self.word(brace - 1) == "(":
            return "statement-expression" if has_statement else "braces"
        if word == "]":
            return "lambda"
        if word == ")":
            before = self.word(self.match.get(end, 0) - 1)
            if before in (*CONDITIONS, "constexpr", "catch"):
                return "control"
            return "lambda" if before == "]" else "function"
        if word in ("else", "do", "try", ";", "{", "}", ":", ""):
            return "block"
        return "braces"

    def in_ternary(self, index, opening):
        """Whether a ?: at this bracket level has `index` within one of its operands."""
        stops = (";", ",", "{", "}")
        for step in (-1, 1):
            # A bracket counts as one operand together with what it holds.
            at = (self.match.get(index, index) if step > 0 else index) + step
            while 0 <= at < len(self.words) and at != opening:
                word = self.words[at]
                if step < 0 and word in OPENING.values() or step > 0 and word in OPENING:
                    at = self.match.get(at, at)
                    if self.words[at] in "{}":
                        break
                elif word in stops or word in OPENING or word in OPENING.values():
                    break
                elif word == "?":
                    return True
                at += step
        return False


def await_problems(source, index):
    """Misuses of the co_await at `index` that its surroundings show."""
    at = index
    while True:
        opening = source.parent[at]
        if source.in_ternary(at, opening):
            yield "co_await in an operand of ?:"
        if opening is None:
            return
        if source.words[opening] == "(":
            before = source.word(opening - 1)
            if before == "constexpr":
                before = source.word(opening - 2)
            if before in CONDITIONS:
                yield f"co_await in the head of {before}"
        elif source.words[opening] == "{":
            kind = source.brace_kind(opening)
            if kind == "braces":
                yield "co_await in a braced initializer"
            elif kind != "statement-expression":
                return
        at = opening


def argument_problems(source, index):
    """Braces among the arguments of the call that the co_await at `index` waits for."""
    at = index + 1
    while re.match(r"\w|::|->|[.<>*&]$", source.word(at)):
        at += 1
    if source.word(at) == "{":
        yield "co_await of a braced temporary"
    if source.word(at) == "(" and any(source.words[i] == "{" for i in source.inside(at)):
        yield "braces among the arguments of an awaited call"


def body_problems(source, index, check_signature):
    """What kind of function body the coroutine word at `index` stands in."""
    at = index
    while (opening := source.parent[at]) is not None:
        at = opening
        if source.words[opening] != "{":
            continue
        kind = source.brace_kind(opening)
        if kind == "statement-expression":
            yield "a coroutine word in a statement expression"
        elif kind == "lambda":
            yield "a lambda that is a coroutine"
            return
        elif kind == "function":
            if check_signature:
                yield from signature_problems(source, opening)
            return


def signature_problems(source, brace):
    parameters = source.match.get(source.head_end(brace))
    first = "".join(source.words[parameters + 1:parameters + 5])
    if not re.match(r"(handfast::)?Handshake&", first):
        yield "a flow whose first parameter is not Handshake&"


def problems_of(text, macros, check_signature=True):
    """Sorted (line, message) pairs."""
    source = Source(expand(tokens_of(text), {**macros, **macros_of(text)}))
    found = set()
    for index, word in enumerate(source.words):
        if word not in COROUTINE_WORDS:
            continue
        messages = list(body_problems(source, index, check_signature))
        if word == "co_await":
            messages += await_problems(source, index)
            messages += argument_problems(source, index)
        found |= {(source.lines[index], message) for message in messages}
    return sorted(found)


def main():
    files = [Path(name) for name in sys.argv[1:]]
    files = files or sorted(p for p in (ROOT / "src").rglob("*") if p.suffix in (".h", ".cc"))
    texts = {path: path.read_text(encoding="utf-8") for path in files}
    macros = {}
    for text in texts.values():
        macros.update(macros_of(text))
    problems = [f"{path}:{line}: {message}" for path, text in texts.items()
                for line, message in problems_of(text, macros, path.name != "flow.h")]
    print("\n".join(problems) if problems else f"{len(files)} files, no form that g++ 12 miscompiles")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
