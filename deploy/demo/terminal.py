"""What the demo prints: each step as it happens, in German or English by LANG."""

from __future__ import annotations

import os
import sys

from rich.console import Console
from rich.text import Text

from deploy.demo.attacks import Attempt
from deploy.demo.step import Step


class Terminal:
    """Prints. Methods that tell of something checked return the number of faults."""

    def __init__(self, *, german: bool) -> None:
        self.german = german
        self._out = Console(file=sys.stdout, highlight=False, soft_wrap=True)
        self._number = 0

    def progress(self, what: str) -> None:
        """Something that takes a moment begins."""
        self._out.print(Text(f"  … {what}", style="dim"))

    def note(self, de: str, en: str) -> None:
        """One line beside the story."""
        self._out.print(Text(f"  {de if self.german else en}", style="yellow"))

    def fault(self, words: str) -> None:
        """One clear line on the error stream."""
        print(f"demo: {words}", file=sys.stderr)

    def opening(self, clients: str) -> None:
        """The headline of the story."""
        de = f"\nManager A, ein gewöhnlicher Tag, {clients} Kunden im CRM. Niemand weiß etwas.\n"
        en = f"\nManager A, an ordinary day, {clients} clients in the CRM. Nobody knows anything.\n"
        self._out.print(Text(de if self.german else en, style="bold"))

    def step(self, step: Step) -> int:
        """One step of the story."""
        self._number += 1
        place = 0 if self.german else 1
        sign = Text(" ✗ ", style="bold white on red") if step.faults else Text(" ✓ ", style="bold black on green")
        self._out.print(Text.assemble(sign, f" {self._number:2d}  ", (step.title[place], "bold")))
        self._line("versucht" if self.german else "tried", step.tried[place])
        self._line("entschieden" if self.german else "decided", step.decided[place])
        self._line("hinaus" if self.german else "left", str(step.clients_out) + (" Kunden" if self.german else " clients"))
        if step.look:
            self._line("ansehen" if self.german else "look", step.look)
        return self._faults(step.faults)

    def attempt(self, attempt: Attempt) -> int:
        """One of the six attacks."""
        sign = Text(" ✗ ", style="bold white on red") if attempt.faults else Text(" ✓ ", style="bold black on green")
        attack = attempt.attack
        self._out.print(Text.assemble(sign, "     ", (attack.name_de if self.german else attack.name_en, "bold")))
        self._line("erwartet" if self.german else "expected", attack.expect_de if self.german else attack.expect_en)
        return self._faults(attempt.faults)

    def problems(self, problems: list[str]) -> int:
        """What the verification of the record found."""
        return self._faults(problems)

    def verdict(self, faults: int) -> None:
        """The last line of `ONCE=1`."""
        if faults:
            self._out.print(Text(f"\n{faults} × nicht gehalten." if self.german else f"\n{faults} × not held.", style="bold red"))
        else:
            self._out.print(Text("\nAlles gehalten." if self.german else "\nEverything held.", style="bold green"))

    def invitation(self, torwart_url: str, crm_url: str, port: int, *, played: bool) -> None:
        """Where to go now."""
        if not played:
            self.note(
                "Die Geschichte wurde schon gespielt; RESET=1 make demo beginnt von vorn.",
                "The story was played before; RESET=1 make demo starts over.",
            )
        self._out.print(Text(f"\n  {'Jetzt Sie:' if self.german else 'Your turn:'}  {torwart_url}/start", style="bold"))
        self._out.print(f"  CRM:        {crm_url}/")
        if "SSH_CONNECTION" in os.environ:
            host = os.environ["SSH_CONNECTION"].split()[2]
            ports = " ".join(f"-L {one}:127.0.0.1:{one}" for one in range(port, port + 4))
            self._out.print(f"  SSH:        ssh {ports} {host}")
        self._out.print(Text("  Ende mit Strg-C." if self.german else "  End with Ctrl-C.", style="dim"))

    def _line(self, name: str, words: str) -> None:
        self._out.print(Text.assemble((f"        {name:12}", "dim"), words))

    def _faults(self, faults: list[str]) -> int:
        for fault in faults:
            self._out.print(Text(f"        ✗ {fault}", style="red"))
        return len(faults)
