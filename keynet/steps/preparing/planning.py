"""Decide everything about an image, without doing anything."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from keynet import credentials
from keynet.errors import (
    ContextInvalid,
    KeynetError,
    ScriptInvalid,
    UsageError,
    ValidationError,
)
from keynet.events import Emit, Notice
from keynet.files import places
from keynet.files.descent import Inodes
from keynet.oci.platform import Platform
from keynet.oci.reference import Reference
from keynet.plan import (
    BuildPlan,
    Dependencies,
    HostNetwork,
    Recipe,
    UserContainerfile,
)
from keynet.recipe import buildargs, context, hostnetwork, ignore
from keynet.recipe.dependencies import default_python, finding
from keynet.recipe.dependencies.declared import Selection
from keynet.recipe.dependencies.finding import Search
from keynet.recipe.packages import index_logins
from keynet.recipe.start import Start
from keynet.steps.preparing import starting
from keynet.steps.preparing.request import Request
from keynet.steps.preparing.script import Script
from keynet.text import _, fill

__all__ = ["plan_build"]

_MANAGED: Final = {"keynet.managed": "true"}


def plan_build(
    request: Request, script: Script, emit: Emit, default_platform: Platform | None = None
) -> BuildPlan:
    """Decide everything about the image, without doing anything.

    Args:
        default_platform: See ``prepare``.

    Raises:
        ContextInvalid: The context, its ignore file, requirements or Containerfile is not valid.
        ValidationError: The base image's name is not valid.
        UsageError: A platform or build argument is not valid.
    """
    settings = request.settings
    within = request.context if "dockerfile" in request.from_project else None
    user_file = None
    if settings.dockerfile:
        from keynet.recipe import containerfile

        user_file = containerfile.read(settings.dockerfile, within)
    rules = ignore.load(request.context, settings.dockerfile)
    outputs = _outputs(request)
    scanned = context.scan(request.context, rules, _logins(request.environment), Inodes(outputs))
    entrypoint = context.locate_entrypoint(request.context, script.path, rules)
    detected = hostnetwork.detect(request.environment, places.home())
    network = detected.network
    notices = scanned.notices + tuple(_left_out(request.context, outputs, rules))
    recipe: Recipe | UserContainerfile
    if user_file is not None:
        recipe = user_file
        notices += tuple(_doubled(user_file))
    else:
        dependencies, warnings = finding.find(_search(request, script, network))
        if settings.installer == "uv" and dependencies.pip_only:
            raise _needs_pip(dependencies)
        if dependencies.uv_only and (settings.installer == "pip" or dependencies.pip_only):
            raise _needs_uv(dependencies)
        network = _with_netrc(network, request, dependencies)
        name = settings.base_image or _decorated(script)
        base = (
            Reference.parse(name)
            if name is not None
            else _default_base(request, script, dependencies, emit)
        )
        start = starting.decide(request.context, entrypoint, script.imports, scanned.files)
        recipe = _recipe(base, start, dependencies, settings.installer, _short(base, name))
        notices += start.notices
        notices += tuple(_unused(request.context))
        notices += warnings
        if dependencies.files:
            notices += detected.notices
    for notice in notices:
        emit(notice)
    for key, value in settings.labels.items():
        buildargs.check_length("--label", key, f"{key}={value}")
    return BuildPlan(
        context=request.context,
        files=scanned.files,
        recipe=recipe,
        platforms=_platforms(settings.platform) or _one(default_platform),
        labels={**settings.labels, **_MANAGED},
        # Checked here because of [tool.keynet]: a secret would stay in the image's history.
        build_args=buildargs.parse(
            (f"{name}={value}" for name, value in settings.build_args.items()),
            request.environment,
        ),
        secrets=request.secrets,
        no_cache=request.no_cache,
        host_network=network,
        compression=settings.compression,
        cache_from=_cache(settings.cache_from, "--cache-from"),
        cache_to=_cache(settings.cache_to, "--cache-to"),
        build_sdist=settings.build_sdist,
        title=settings.model_name or script.model_name or script.path.stem,
    )


def _cache(text: str | None, flag: str) -> Reference | None:
    """Return a cache in a registry.

    Raises:
        UsageError: It is not the name of an image with its registry.
    """
    if text is None:
        return None
    try:
        return Reference.parse(text)
    except ValidationError as error:
        raise UsageError(
            fill(_("{flag} {text} cannot be used: {why}"), flag=flag, text=text, why=error.message),
            _("Name a reference of its own, such as HOST/PROJECT/cache:latest."),
        ) from error


def _search(request: Request, script: Script, network: HostNetwork) -> Search:
    """Return what decides where the dependencies are looked for."""
    settings = request.settings
    return Search(
        request.context,
        script.path,
        script.loaded.content,
        requirements=settings.requirements,
        is_trusted="requirements" not in request.from_project,
        selection=Selection(settings.extras, settings.groups),
        environment=request.environment,
        hosts=hostnetwork.index_hosts(network),
    )


def _with_netrc(network: HostNetwork, request: Request, dependencies: Dependencies) -> HostNetwork:
    """Add the user's logins for the package indexes that the project names."""
    logins = index_logins.read(request.environment, places.home())
    own = hostnetwork.index_origins(network)
    return replace(network, netrc=index_logins.for_dependencies(logins, dependencies, own))


def _logins(environment: Mapping[str, str]) -> Inodes:
    """Return this host's login files, which variables may put anywhere, and keynet's folders."""
    named = [environment.get(variable) for variable in ("REGISTRY_AUTH_FILE", "NETRC")]
    files = [Path(name) for name in named if name]
    if folder := environment.get("DOCKER_CONFIG"):
        files.append(Path(folder, "config.json"))
    return Inodes((credentials.path(environment), *files, *places.own()))


def _outputs(request: Request) -> list[Path]:
    """Return what the command writes to, but for folders of the script itself."""
    script = request.entrypoint.resolve()
    return [path for path in request.outputs if not script.is_relative_to(path.resolve())]


def _left_out(folder: Path, outputs: Iterable[Path], rules: ignore.Rules) -> Iterator[Notice]:
    """Yield a notice of each output that would be in the image otherwise."""
    root = folder.resolve()
    for path in (each.resolve() for each in outputs):
        if path.exists() and path.is_relative_to(root):
            name = path.relative_to(root).as_posix()
            if rules.rule_for(name) is None:
                yield Notice(
                    fill(
                        _(
                            "{path} is not copied into the image, since --output writes there. "
                            "Other builds copy it: add it to {ignorefile}."
                        ),
                        path=name,
                        ignorefile=rules.source.name if rules.source else ignore.NAMES[1],
                    ),
                    "note",
                )


def _doubled(containerfile: UserContainerfile) -> Iterator[Notice]:
    """Yield a notice of each instruction that engines read in different ways."""
    for each in containerfile.instructions:
        if each.doubled:
            yield Notice(
                fill(
                    _(
                        "The instruction of line {line} of {path} ends in {written}, to which some "
                        "engines join the next line and others do not. Write it so that it ends in "
                        "none, or in one where it goes on."
                    ),
                    written=each.doubled,
                    line=each.line,
                    path=containerfile.path,
                )
            )


def _unused(folder: Path) -> Iterator[Notice]:
    """Yield a notice of the Containerfile that looks as if it should be used."""
    name = context.unused_containerfile(folder)
    if name is not None:
        yield Notice(
            fill(
                _("{name} in the context is not used. To build with it: --dockerfile {path}"),
                name=name,
                path=folder / name,
            ),
            "note",
        )


def _recipe(
    base: Reference, start: Start, dependencies: Dependencies, installer: str, name: str
) -> Recipe:
    """Return the recipe whose script finds its modules, by an environment if there is one."""
    if not dependencies.files:
        return Recipe(base, start.alone, dependencies=dependencies, base_name=name)
    paths = tuple(dict.fromkeys((*dependencies.import_paths, *start.import_paths)))
    return Recipe(
        base,
        start.command,
        dependencies=replace(dependencies, import_paths=paths),
        base_name=name,
        installer=installer,
    )


def _needs_pip(dependencies: Dependencies) -> UsageError:
    return UsageError(
        fill(
            _("uv cannot install {source}: {reasons}."),
            source=dependencies.source.name if dependencies.source else _("the dependencies"),
            reasons="; ".join(dependencies.pip_only),
        ),
        _("Use --installer auto (or pip), or change the lines."),
    )


def _needs_uv(dependencies: Dependencies) -> KeynetError:
    because = dependencies.pip_only or (_("the installer is set to pip"),)
    kind: type[KeynetError] = ContextInvalid if dependencies.pip_only else UsageError
    return kind(
        fill(
            _("pip cannot install {source}: {reasons}, and uv is not possible: {because}."),
            source=dependencies.source.name if dependencies.source else _("the dependencies"),
            reasons="; ".join(dependencies.uv_only),
            because="; ".join(because),
        ),
        _("Use --installer auto (or uv), change the lines, or write a lock file with uv lock."),
    )


def _decorated(script: Script) -> str | None:
    """Return the base image of the script's decorator.

    Raises:
        ScriptInvalid: It is only known when the script runs.
    """
    if not script.unknown_base_line:
        return script.base_image
    raise ScriptInvalid(
        fill(
            _("{path}:{line}: the base image of the decorator is only known when the script runs."),
            path=script.path,
            line=script.unknown_base_line,
        ),
        _('Name it with --base-image, or write it as a string: base_image="python:3.11-slim".'),
    )


def _default_base(
    request: Request, script: Script, dependencies: Dependencies, emit: Emit
) -> Reference:
    """Return Python's own image, of a version that project and script admit."""
    constraints = default_python.context_constraints(request.context)
    if dependencies.requires_python:
        source = dependencies.source.name if dependencies.source else script.name
        constraints.append(default_python.Constraint(dependencies.requires_python, source))
    if script.python is not None:
        constraints.append(script.python)
    (major, minor), reason = default_python.choose(constraints)
    base = Reference.parse(f"python:{major}.{minor}-slim")
    if reason:
        text = fill(
            _("Base image {base}, since {source} excludes Python 3.10."), base=base, source=reason
        )
        emit(Notice(text, "note"))
    return base


def _short(base: Reference, name: str | None) -> str:
    """Return a name that the engine completes itself, or ""."""
    return "" if name is None or name == str(base) else name


def _one(platform: Platform | None) -> tuple[Platform, ...]:
    return () if platform is None else (platform,)


def _platforms(text: str | None) -> tuple[Platform, ...]:
    try:
        return tuple(Platform.parse(each) for each in text.split(",")) if text else ()
    except ValidationError as error:
        raise UsageError(error.message, error.hint) from error
