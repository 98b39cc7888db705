"""How a soak that is one run, all of it decided by a seed, begins and ends."""

import random

__all__ = ["run_seeded"]

#: So many complaints are printed.
COMPLAINTS_MAX = 20


def run_seeded(parser, run):
    """Call `run` with what the command line says, by name: the options of `parser`, and ``--seed``.

    Print what it returns, a line and complaints; return 1 if there are complaints.
    """
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    line, complaints = run(**vars(options))
    print(line)
    for each in complaints[:COMPLAINTS_MAX]:
        print(each)
    return 1 if complaints else 0
