"""Runs a part of the tests of Python's own test suite that use TLS, and prints a JSON line for
each: [its name, "ok" or else how it ended, why].

usage: python_suite.py PART PARTS

The tests are dealt to as many processes as there are PARTS."""

import json
import sys
import unittest

from test import support

# Module: the words of which a test's name has to have one; none for all of the module.
MODULES = {
    "test_ssl": [],
    "test_asyncio.test_ssl": [],
    "test_asyncio.test_sslproto": [],
    "test_asyncio.test_events": ["ssl"],
    "test_asyncio.test_sendfile": ["ssl"],
    "test_asyncio.test_streams": ["ssl", "tls"],
    "test_ftplib": ["TLS"],
    "test_httplib": ["HTTPS"],
    "test_imaplib": ["SSL"],
    "test_logging": ["HTTPHandler"],
    "test_nntplib": ["Ssl", "starttls"],
    "test_poplib": ["SSL", "TLS"],
    "test_urllib2_localnet": ["https"],
}


class Told(unittest.TestResult):
    """Prints each test's outcome when it ends."""

    def startTest(self, test):
        super().startTest(test)
        self.outcome = "ok"
        self.why = ""

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.outcome, self.why = "skipped", reason

    def addError(self, test, error):
        super().addError(test, error)
        self.outcome, self.why = "error", self.errors[-1][1]
        if not hasattr(test, "_testMethodName"):
            # Not a test but the preparation of several.
            self.stopTest(test)

    def addFailure(self, test, error):
        super().addFailure(test, error)
        self.outcome, self.why = "failed", self.failures[-1][1]

    def addSubTest(self, test, subtest, error):
        super().addSubTest(test, subtest, error)
        if error is not None:
            self.outcome, self.why = "failed", (self.failures + self.errors)[-1][1]

    def stopTest(self, test):
        super().stopTest(test)
        print(json.dumps([test.id().removeprefix("test."), self.outcome, self.why]), file=OUTPUT,
              flush=True)


def tests(suite):
    for one in suite:
        if isinstance(one, unittest.TestSuite):
            yield from tests(one)
        else:
            yield one


def chosen():
    for module, words in MODULES.items():
        for test in tests(unittest.defaultTestLoader.loadTestsFromName(f"test.{module}")):
            if not words or any(word in test.id() for word in words):
                yield test


def main():
    part, parts = map(int, sys.argv[1:])
    support.use_resources = []  # no test that needs the network
    suite = unittest.TestSuite(list(chosen())[part::parts])
    sys.stdout = sys.stderr  # for what the tests print themselves
    suite.run(Told())


OUTPUT = sys.stdout
main()
