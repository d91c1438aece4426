"""Reads of 100 bases over two alleles beside each other."""

from random import Random

from tests.extract.worlds import make_read

GENOME = "".join(Random(13).choices("ACGT", k=300))


def changed(base):
    return "ACGT"[("ACGT".index(base) + 1) % 4]


SNV = (151, GENOME[150], changed(GENOME[150]))
BESIDE = (161, GENOME[160], changed(GENOME[160]))


def read(*alleles, name="r", start=100, flag=0, bases=None, low=(), group=None):
    letters = list(bases or GENOME[start : start + 100])
    for position, _, alt in alleles:
        letters[position - 1 - start] = alt
    made = make_read(len(GENOME), name, start, "".join(letters), "100M", flag=flag)
    made.query_qualities = [9 if start + at in low else 10 for at in range(100)]
    if group:
        made.set_tag("RG", group)
    return made
