"""``keynet doctor``."""

import json

import click

from keynet.text import _


@click.command()
@click.option("--json", "as_json", is_flag=True, help=_("Print the result as JSON."))
def doctor(as_json: bool) -> int:
    """Check which engines work, and how to fix the others.

    Every engine is tried with a small build. The login, platform and registry are checked too.
    """
    from keynet.cli.render import styled
    from keynet.steps import doctor as step
    from keynet.text import printable

    diagnosis = step.examine()
    if as_json:
        click.echo(json.dumps(diagnosis.to_json(), ensure_ascii=False))
    else:
        for finding in step.findings(diagnosis):
            mark = styled("✔", fg="green") if finding.ok else styled("✘", fg="red")
            click.echo(f"{mark} {finding.name:12}{printable(finding.detail)}")
            for line in finding.fix.splitlines():
                click.echo(f"  {'':12}→ {line}")
    return 0 if diagnosis.can_build else 4
