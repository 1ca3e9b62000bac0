"""TensorBoard's event files, written without TensorBoard, tensorboardX or torch.

A file is a run of records: length, its checksum, an `Event` in protocol buffers, its checksum
(TFRecord; masked CRC-32C). Only scalars are needed, so both formats fit on a page; the tests read
the files with tensorboardX's own definitions. tensorboardX itself imports torch (a second), syncs
the disk at every flush and hands lines to a thread that can block a training for good.
"""

import struct
from collections.abc import Mapping

FORMAT = "brain.Event:2"
_POLYNOMIAL = 0x82F63B78  # Castagnoli, reversed


def _table() -> tuple[int, ...]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (_POLYNOMIAL if value & 1 else 0)
        table.append(value)
    return tuple(table)


_TABLE = _table()


def header(moment: float) -> bytes:
    """The record that every event file begins with."""
    return _record(_event(moment) + _text(3, FORMAT.encode()))


def scalars(moment: float, step: int, values: Mapping[str, float]) -> bytes:
    """One record: these numbers at a step; moment in seconds since the epoch."""
    shown = b"".join(
        _text(1, _text(1, tag.encode()) + b"\x15" + struct.pack("<f", value))
        for tag, value in values.items()
    )
    return _record(_event(moment) + b"\x10" + _varint(step) + _text(5, shown))


def _event(moment: float) -> bytes:
    return b"\x09" + struct.pack("<d", moment)


def _text(field: int, content: bytes) -> bytes:
    """A field of bytes, text or a message."""
    return bytes([field << 3 | 2]) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def _record(event: bytes) -> bytes:
    length = struct.pack("<Q", len(event))
    return length + _checksum(length) + event + _checksum(event)


def _checksum(data: bytes) -> bytes:
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    masked = ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
    return struct.pack("<I", masked)
