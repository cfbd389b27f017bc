"""``keynet doctor``."""

import json

import click

from keynet.text import _


@click.command()
@click.option("--json", "as_json", is_flag=True, help=_("Print one JSON object."))
def doctor(as_json: bool) -> int:
    """Tell which engines work here, why others do not, and what to do.

    Every engine is tried anew with a small real build.
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
