"""Numbers that are none or impossible, and texts."""

from __future__ import annotations

import dicom_builder as b
from hostile_parts import READ, Files, G, L, M, V, decimal


def numbers() -> Files:
    square = b"0\\0\\0\\10\\0\\0\\10\\10\\0\\0\\10\\0"
    return {
        "spacing NaN": (decimal(0x00280030, b"nan\\1"), V),
        "spacing infinite": (decimal(0x00280030, b"inf\\1"), V),
        "spacing 1e400": (decimal(0x00280030, b"1e400\\1"), V),
        "spacing zero": (decimal(0x00280030, b"0\\0"), G),
        "spacing negative": (decimal(0x00280030, b"-1\\1"), G),
        "spacing tiny": (decimal(0x00280030, b"1e-9\\1e-9"), G),
        "spacing huge": (decimal(0x00280030, b"1e6\\1e6"), G),
        "spacing 60 mm over 3 m": (
            b.changed(
                {
                    0x00280010: ("US", b.us(50)),
                    0x00280011: ("US", b.us(50)),
                    0x00280030: ("DS", b"60\\60"),
                    0x7FE00010: ("OW", bytes(5000)),
                }
            ),
            G,
        ),
        "spacing of one number": (decimal(0x00280030, b"1"), V),
        "spacing of three numbers": (decimal(0x00280030, b"1\\1\\1"), V),
        "spacing with a comma": (decimal(0x00280030, b"1,5\\1,5"), V),
        "spacing with an underscore": (decimal(0x00280030, b"1_0\\1"), V),
        "spacing in hexadecimal": (decimal(0x00280030, b"0x1p3\\1"), V),
        "spacing empty": (decimal(0x00280030, b""), M),
        "spacing with an empty part": (decimal(0x00280030, b"1\\"), V),
        "spacing with 100000 digits": (
            b.file_of(
                b.slice_fields(fields={0x00280030: ("DS", b"1" * 100_000)}), syntax=b.IMPLICIT
            ),
            V,
        ),
        "position with 60000 digits": (decimal(0x00200032, b"1" * 60000 + b"\\0\\0"), V),
        "position NaN": (decimal(0x00200032, b"0\\0\\NaN"), V),
        "position 11 m away": (decimal(0x00200032, b"0\\0\\11000"), G),
        "position 1e308": (decimal(0x00200032, b"0\\0\\1e308"), G),
        "position of two numbers": (decimal(0x00200032, b"0\\0"), V),
        "position of text": (decimal(0x00200032, b"a\\b\\c"), V),
        "position missing": (b.file_of(b.without(b.slice_fields(), 0x00200032)), M),
        "orientation missing": (b.file_of(b.without(b.slice_fields(), 0x00200037)), M),
        "orientation not orthogonal": (decimal(0x00200037, b"1\\0\\0\\1\\0\\0"), G),
        "orientation skewed": (decimal(0x00200037, b"1\\0\\0\\0.1\\0.995\\0"), G),
        "orientation not unit": (decimal(0x00200037, b"2\\0\\0\\0\\2\\0"), G),
        "orientation zero": (decimal(0x00200037, b"0\\0\\0\\0\\0\\0"), G),
        "orientation of five": (decimal(0x00200037, b"1\\0\\0\\0\\1"), V),
        "orientation NaN": (decimal(0x00200037, b"1\\0\\0\\0\\nan\\0"), V),
        "slope zero": (decimal(0x00281053, b"0"), V),
        "slope NaN": (decimal(0x00281053, b"NaN"), V),
        "slope of two numbers": (decimal(0x00281053, b"1\\2"), V),
        "intercept infinite": (decimal(0x00281052, b"-Infinity"), V),
        "thickness 1e999": (decimal(0x00180050, b"1e999"), V),
        "weight NaN": (decimal(0x00101030, b"nan"), V),
        "weight of words": (decimal(0x00101030, b"about 70 kg"), {READ}),
        "instance number beyond 32 bits": (
            b.changed({0x00200013: ("IS", b"99999999999")}),
            V,
        ),
        "instance number with a fraction": (b.changed({0x00200013: ("IS", b"1.5")}), V),
        "contour NaN": (b.contour_file(b"0\\0\\nan" + b"\\0" * 9, b"4"), V),
        "contour infinite": (b.contour_file(b"0\\0\\1e400" + b"\\0" * 9, b"4"), V),
        "contour 20 m away": (b.contour_file(b"20000\\0\\0" + b"\\0" * 9, b"4"), G),
        "contour without triplets": (b.contour_file(square + b"\\1", b"4"), V),
        "contour announces 1e9 points": (b.contour_file(square, b"1000000000"), V),
        "contour announces 3 points of 4": (b.contour_file(square, b"3"), V),
        "contour of words": (b.contour_file(b"a\\b\\c", b"1"), V),
        "contour with an empty part": (b.contour_file(b"0\\\\0", b"1"), V),
        "contour good": (b.contour_file(square, b"4"), {READ}),
        "contour of a million points": (
            b.contour_file(b"\\".join([b"1\\2\\3"] * 1_000_000), b"1000000"),
            {READ} | L,
        ),
        "contour of seven million numbers": (
            b.contour_file(b"\\".join([b"1"] * 7_000_002), b"2333334"),
            L,
        ),
        "dose scaling NaN": (
            b.file_of({**b.dose_fields(), 0x3004000E: ("DS", b"nan")}),
            V,
        ),
        "dose offset infinite": (
            b.file_of({**b.dose_fields(), 0x3004000C: ("DS", b"0\\inf")}),
            V,
        ),
    }


def texts() -> Files:
    return {
        "character set unknown": (b.changed({0x00080005: ("CS", b"KLINGON_7")}), {READ}),
        "character set missing, name not ASCII": (
            b.file_of(
                {
                    **b.without(b.slice_fields(), 0x00080005),
                    0x00100010: ("PN", b"M\xfcller^J\xf6rg"),
                }
            ),
            {READ},
        ),
        "name of broken UTF-8": (
            b.changed({0x00080005: ("CS", b"ISO_IR 192"), 0x00100010: ("PN", b"\xff\xfe\xfd^x")}),
            {READ},
        ),
        "name with escape sequences": (
            b.changed({0x00100010: ("PN", b"\x1b[2J\x1b]0;owned\x07^x")}),
            {READ},
        ),
        "name with unknown ISO 2022 escapes": (
            b.changed(
                {
                    0x00080005: ("CS", b"\\ISO 2022 IR 87"),
                    0x00100010: ("PN", b"A\x1b$Z\x41\x42^B"),
                }
            ),
            {READ},
        ),
        "name that is a page": (
            b.changed({0x00100010: ("PN", b"<script>alert(1)</script>^x")}),
            {READ},
        ),
        "date that is none": (b.changed({0x00080020: ("DA", b"not-a-date-at-all")}), {READ}),
        "modality of another class": (b.changed({0x00080060: ("CS", b"RTDOSE")}), {READ}),
        "patient ID that climbs": (
            b.changed({0x00100020: ("LO", b"../../../etc/passwd")}),
            {READ},
        ),
        "overlay of any size": (
            b.changed({0x60000010: ("US", b.us(65535)), 0x60003000: ("OW", bytes(4))}),
            {READ},
        ),
    }
