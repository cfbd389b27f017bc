# Sourced by scripts/demo for an ordinary user: what Python alone can do.
# shellcheck shell=bash

base=${BASE_IMAGE:-docker.io/library/python:3.11-slim}

say "1/5  keynet, with Python alone"
if [ -w . ]; then
    environment=.tox/demo
    make_venv "$environment" --editable '.[sandbox]'
else
    # Somebody else's checkout.
    environment=$folder/environment
    make_venv "$environment" '.[sandbox]'
fi
PATH="$(cd "$environment" && pwd)/bin:$PATH"
keep_to_folder

say "2/5  A training platform on this machine"
start_sandbox

say "3/5  Log in"
run keynet login "$(value server_url)" --username "$(value username)" --password-stdin \
    <"$(value password_file)"

say "4/5  Push the training script, without an engine"
image=$(run keynet push "$script" --context "$(dirname "$script")" --builder direct \
    --base-image "$base" --project 1)

say "5/5  What the registry has: hyperparameters, layers, packages"
run keynet params "$image"
run keynet explain "$image"

say "Left out, as it needs an engine: training with the image. Where docker or podman works:"
echo "    keynet run $script" >&2
say "Done in $((SECONDS - began)) s; nothing of it is left running"
