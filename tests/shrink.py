#!/usr/bin/env python3
"""Writes the pictures of tests/snapshots and screenshots anew as small as they get without losing a pixel.

    python tests/shrink.py

Run it after UPDATE_SNAPSHOTS=1 or tests/screenshots.sh. Needs Pillow.
"""

import io
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent


def smallest(picture):
    """The shortest of a few lossless encodings."""
    opaque = picture.convert("RGBA").getextrema()[3] == (255, 255)
    ways = [picture.convert("RGB" if opaque else "RGBA")]
    if opaque and (colours := picture.convert("RGB").getcolors(256)):
        ways.append(picture.convert("RGB").convert("P", palette=Image.Palette.ADAPTIVE, colors=len(colours)))
        if ways[1].convert("RGB").tobytes() != ways[0].tobytes():
            ways.pop()
    encoded = []
    for way in ways:
        out = io.BytesIO()
        way.save(out, "PNG", optimize=True)
        encoded.append(out.getvalue())
    return min(encoded, key=len)


def main():
    before = after = 0
    for path in sorted([*ROOT.glob("tests/snapshots/*.png"), *ROOT.glob("screenshots/*.png")]):
        old = path.read_bytes()
        new = smallest(Image.open(io.BytesIO(old)))
        before += len(old)
        if len(new) < len(old):
            path.write_bytes(new)
        after += min(len(old), len(new))
    print(f"{before // 1024} KiB became {after // 1024} KiB")


main()
