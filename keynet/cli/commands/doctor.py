"""``keynet doctor``."""

from __future__ import annotations

import contextlib
import json
import sys
from typing import TYPE_CHECKING

import click

from keynet.cli.help_pages import help_page
from keynet.cli.options import json_option
from keynet.text import _, fill

if TYPE_CHECKING:
    from keynet.steps.doctor import Check, Diagnosis, Repair

__all__ = ["doctor"]


@click.command(
    help=help_page(
        _("Check whether a push would work here, and how to fix what keeps it from working."),
        _(
            "Every engine is tried with a small build. This machine, the login, the "
            "platform and its registry are checked too. The exit status is 0 if a push "
            "would work."
        ),
    )
)
@json_option
@click.option("--watch", is_flag=True, help=_("Keep running, and show what changes."))
@click.option("--fix", is_flag=True, help=_("Fix what needs no root, after asking."))
@click.option("--yes", "-y", is_flag=True, help=_("With --fix: do not ask."))
def doctor(*, as_json: bool, watch: bool, fix: bool, yes: bool) -> int:
    from keynet.errors import UsageError

    if yes and not fix:
        raise UsageError(_("--yes has a meaning only together with --fix."), _("Pass --fix too."))
    if fix and (watch or as_json):
        raise UsageError(
            _("--fix cannot be used together with --watch or --json."),
            _("Run keynet doctor --fix first."),
        )
    found = _examine(quiet=as_json)
    if watch:
        _watch(found, as_json=as_json)
    if as_json:
        click.echo(json.dumps(found.to_json(), ensure_ascii=False))
        return found.exit_status
    if fix and _fix(found.repairs, yes=yes):
        click.echo(_("Checking again."), err=True)
        found = _examine(quiet=False)
    _conclude(found)
    return found.exit_status


def _examine(*, quiet: bool) -> Diagnosis:
    from keynet.cli.check_display import showing
    from keynet.steps.doctor import Ended, Examiner

    examiner = Examiner()
    # Closed, so that no program is left behind when nobody reads the output any more.
    closing = contextlib.closing(examiner.run())
    with showing(examiner.names, quiet=quiet) as display, closing as found:
        for item in found:
            if isinstance(item, Ended):
                display.end(item.name)
            else:
                display.show(item)
    return examiner.diagnosis


def _conclude(found: Diagnosis) -> None:
    """Say on standard error whether a push would work, and what can be fixed."""
    from keynet.cli.render import styled

    if found.exit_status == 0:
        click.echo(styled(_("A push would work."), fg="green"), err=True)
    else:
        text = fill(
            _("A push would fail with exit status {status} ({checks})."),
            status=found.exit_status,
            checks=", ".join(check.name for check in found.checks if check.status),
        )
        click.echo(styled(text, fg="red"), err=True)
    if found.repairs:
        whats = "; ".join(repair.what for repair in found.repairs)
        click.echo(fill(_("keynet doctor --fix can do this: {what}"), what=whats), err=True)


def _watch(found: Diagnosis, *, as_json: bool) -> None:
    """Show changes until Ctrl-C."""
    from datetime import UTC, datetime

    from keynet.cli.check_display import check_lines
    from keynet.moments import local
    from keynet.steps import doctor as step

    def show(check: Check) -> None:
        now = local(datetime.now(UTC))
        if as_json:
            line = {"at": now.isoformat(timespec="seconds"), **check.to_json()}
            click.echo(json.dumps(line, ensure_ascii=False))
        else:
            for text in check_lines(check, colour=sys.stdout.isatty(), prefix=f"{now:%H:%M:%S} "):
                click.echo(text)
        sys.stdout.flush()

    if as_json:
        for check in found.checks:
            show(check)
    click.echo(_("Watching for changes. Press Ctrl-C to stop."), err=True)
    with contextlib.closing(step.watch(found)) as changes:
        for check, _before in changes:
            show(check)


def _fix(repairs: list[Repair], *, yes: bool) -> bool:
    """Do what can be done, after asking; report whether anything was done."""
    from keynet.cli.prompts import can_ask
    from keynet.errors import KeynetError, UsageError

    if not repairs:
        click.echo(_("There is nothing that keynet can fix without root."), err=True)
        return False
    done = False
    for repair in repairs:
        if repair.act is None and not can_ask():
            click.echo(fill(_("Needs a terminal: {what}"), what=repair.what), err=True)
            continue
        if not yes:
            if not can_ask():
                raise UsageError(
                    fill(
                        _("Not done: {what}. Confirmation is needed and there is no terminal."),
                        what=repair.what,
                    ),
                    _("Pass --yes."),
                )
            if not click.confirm(fill(_("Do this? {what}"), what=repair.what), err=True):
                continue
        try:
            _do(repair)
        except (KeynetError, OSError) as error:
            why = error.message if isinstance(error, KeynetError) else error.strerror
            click.echo(fill(_("Failed: {what}: {why}"), what=repair.what, why=why), err=True)
            continue
        click.echo(fill(_("Done: {what}"), what=repair.what), err=True)
        done = True
    return done


def _do(repair: Repair) -> None:
    if repair.act is not None:
        repair.act()
        return
    # The only thing that needs questions of its own: user name and password.
    from keynet.cli.commands.login import login

    login.main(args=["--", repair.server_url] if repair.server_url else [], standalone_mode=False)
