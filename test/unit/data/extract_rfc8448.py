#!/usr/bin/python3
"""Turns the traces of RFC 8448 into rfc8448.txt: one line per step, one per value.

usage: extract_rfc8448.py rfc8448.txt > test/unit/data/rfc8448.txt

    section 3
    server derive secret "tls13 c hs traffic"
      PRK 1dc826e9...
"""
import re
import sys

STEP = re.compile(r"^   \{(client|server)\}  (.*)$")
VALUE = re.compile(r"^      ([A-Za-z][A-Za-z0-9 ]*?)(?: \((\d+) octets?\))?:  ?(.*)$")
HEX = re.compile(r"^(?:[0-9a-f]{2} ?)+$")
PAGE = re.compile(r"^(Thomson .*\[Page \d+\]|RFC 8448 .*)$")


def main():
    with open(sys.argv[1], encoding="ascii") as file:
        lines = [line.rstrip().replace("\f", "") for line in file]
    values, out, name = None, [], None
    for line in lines:
        if PAGE.match(line) or not line:
            continue
        section = re.match(r"^([1-9])\.  [A-Z]", line)
        if section:
            out.append(["section", section.group(1), []])
            values, name = None, None
            continue
        step = STEP.match(line)
        if step:
            values, name = [], None
            out.append([step.group(1), step.group(2), values])
            continue
        value = VALUE.match(line)
        if values is not None and value and (value.group(2) or "zero" in value.group(3)):
            name = value.group(1)
            text = value.group(3) if HEX.match(value.group(3)) else ""
            values.append([name, int(value.group(2) or 0), text.replace(" ", "")])
        elif name and HEX.match(line.strip()):
            values[-1][2] += line.replace(" ", "")
        elif values is not None and not values:
            out[-1][1] += " " + line.strip()
    for actor, step, values in out:
        if actor == "section":
            print("section", step)
        elif values:
            print(actor, step.rstrip(":"))
            for name, length, text in values:
                if len(text) != 2 * length:
                    sys.exit(f"{actor} {step}: {name} has {len(text) // 2} octets, not {length}")
                print(f"  {name.replace(' ', '_')} {text or '-'}")


main()
