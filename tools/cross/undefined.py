"""Say what a Mach-O program leaves to be found at run time and is not the C++ library's.

Usage: undefined.py PROGRAM. tools/cross.sh links for Darwin without a C++ library, which there is the system's, so
the linker is told to let unknown symbols pass (tools/cross/toolchain.cmake). All others must have been found.
"""

import re
import struct
import sys
from pathlib import Path

__all__ = ["left_to_run_time"]

MAGIC_64 = 0xFEEDFACF
LC_SYMTAB = 0x2
N_STAB, N_TYPE, N_UNDF = 0xE0, 0x0E, 0x0
DYNAMIC_LOOKUP = 0xFE  # the library ordinal of a symbol that no library was known for
# namespace std and its type information, operators new and delete, and the ABI's runtime.
CXX_LIBRARY = re.compile(
    r"__Z(N[KVRO]*(St|S[abdios])|S[abdios]|St|T[ISV](N?[KPDn]*St|S|N10__cxxabiv1|[PK]*[a-z]\b)|n[aw]|d[al])"
    r"|__ZTVN10__cxxabiv1|___cxa_|___gxx_personality|___dynamic_cast"
)


def left_to_run_time(program):
    """Yield the names of the 64-bit Mach-O file `program` that are bound by looking through all libraries."""
    data = Path(program).read_bytes()
    magic, _, _, _, commands = struct.unpack_from("<5I", data)
    if magic != MAGIC_64:
        raise ValueError(f"{program} is no 64-bit Mach-O file")
    offset = 32
    for _ in range(commands):
        command, size = struct.unpack_from("<2I", data, offset)
        if command == LC_SYMTAB:
            symbols, count, strings, _ = struct.unpack_from("<4I", data, offset + 8)
            for number in range(count):
                name, kind, _, description, _ = struct.unpack_from("<IBBHQ", data, symbols + 16 * number)
                if not kind & N_STAB and kind & N_TYPE == N_UNDF and description >> 8 == DYNAMIC_LOOKUP:
                    start = strings + name
                    yield data[start : data.index(b"\0", start)].decode()
        offset += size


if __name__ == "__main__":
    unknown = [name for name in left_to_run_time(sys.argv[1]) if not CXX_LIBRARY.match(name)]
    for each in unknown:
        print(f"{sys.argv[1]}: undefined symbol: {each}", file=sys.stderr)
    sys.exit(1 if unknown else 0)
