"""The small clients of the matrix behave as its table says."""

import os
import unittest

import matrix  # also finds the modules of e2e
import harness
import outcome
import peers
import table
from catalogue import ALL
from testbed import Testbed

README = os.path.join(os.path.dirname(os.path.abspath(__file__)), "README.md")


def setUpModule():
    global committed
    with open(README, encoding="utf-8") as file:
        committed = table.read(file.read())


class SmallClients(unittest.TestCase):
    def test_behave_as_the_table_says(self):
        # Some end their half when they have asked.
        peers.need_dante()
        small = [client for client in ALL if client.small]
        measured = matrix.Matrix(harness.report_on(Testbed()), small)
        for row in measured.measure(at_once=8):
            with self.subTest(row.name):
                said = "\n".join(f"--- {situation}: exit status {run.status}\n{run.text[-1500:]}"
                                 for (name, situation), run in measured.runs.items() if name == row.name)
                self.assertEqual(row.behaviour(), committed[row.name].behaviour(), f"\n{said}")


class Table(unittest.TestCase):
    def test_has_a_row_for_each_client(self):
        self.assertEqual(sorted(committed), sorted(client.name for client in ALL))

    def test_survives_being_written_and_read(self):
        rows = {row.name: row for row in (table.Row("a", "1", "yes", "–", outcome.REASON, "runs on", "10", "x | y"),
                                          table.Row("b", "2", "no", "no", outcome.NOTHING, "0", "0", ""))}
        again = table.read(table.written(f"before\n{table.BEGIN}{table.END}after\n", rows))
        self.assertEqual(again, rows)


class WhatTheUserSees(unittest.TestCase):
    UPSTREAM = "socks5://127.0.0.1:1080"
    WHOLE = f"upstream {UPSTREAM} refused the connection - is the tunnel up?"

    def test_kinds(self):
        reason = outcome.Reason(f"culvert: {self.WHOLE} (for a.world:443)", self.UPSTREAM)
        for text, kind in (
            (f"proxy said 502 culvert: {self.WHOLE}", outcome.REASON),
            (f"proxy said 502 culvert: {self.WHOLE.replace(' the ', chr(10) + '  the ')} (for b.world:443)", outcome.REASON),
            (f"(502 {self.WHOLE.replace(' -', ' (for b.world:443) -')} (down for 2 s))", outcome.REASON),
            (f"502 {self.WHOLE[:60]}", outcome.CUT),
            ("CONNECT tunnel failed, response 502", outcome.CODE),
            ("port 15021: Connection refused", outcome.OTHER),
            (" \n", outcome.NOTHING),
        ):
            self.assertEqual(reason.seen_in(text), kind, text)

    def test_telling_line(self):
        reason = outcome.Reason(f"culvert: {self.WHOLE}", self.UPSTREAM)
        text = f"trying\nerror: 502 {self.WHOLE} (for b:1) (down for 3 s)!\nbye"
        self.assertEqual(reason.telling_line(text), "error: 502 REASON!")
        self.assertEqual(reason.telling_line("trying\nit failed\nbye"), "it failed")
        self.assertEqual(reason.telling_line(""), "")


if __name__ == "__main__":
    harness.main()
