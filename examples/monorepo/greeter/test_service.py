from __future__ import annotations

import unittest

from service import greeting


class Greeting(unittest.TestCase):
    def test_a_name_is_greeted(self) -> None:
        self.assertEqual(greeting("Ada"), "Hello, Ada")
