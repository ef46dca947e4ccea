"""`torwart policy`: check rules, run their cases, show and activate the policy in force. One file per command."""

from __future__ import annotations

import typer

from console.cli.policy import activate, check, copy, diff, explain, plan, rollback, run, show, versions

app = typer.Typer(help="Rules: check them, run their cases, see and change what is in force.", no_args_is_help=True)

app.command()(check.check)
app.command("test")(run.run)
app.command()(show.show)
app.command()(copy.copy)
app.command("plan")(plan.show_plan)
app.command()(diff.diff)
# An act's id may begin with a dash.
app.command(context_settings={"ignore_unknown_options": True})(explain.explain)
app.command()(activate.activate)
app.command()(rollback.rollback)
app.command()(versions.versions)
