#!/bin/sh
# Takes the pictures in screenshots/ from the real window: makes the whole journey with the starter and a sample under Xvfb,
# drawn by lavapipe. Takes a few minutes on two cores. Usage: sh tests/screenshots.sh
set -eu
cd "$(dirname "$0")/.."
. assets/system.sh
install_missing gcc libc6-dev libvulkan1 mesa-vulkan-drivers xvfb xauth libxkbcommon0 libxkbcommon-x11-0 libx11-6 libx11-xcb1 \
    libxcursor1 libxi6 libxrandr2 libegl1
cargo build --release --bin burnish
program="${CARGO_TARGET_DIR:-target}/release/burnish"
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
# The window system wants a private folder for its sockets.
if [ -z "${XDG_RUNTIME_DIR:-}" ]; then
    XDG_RUNTIME_DIR="$home/run"
    mkdir -m 700 "$XDG_RUNTIME_DIR"
    export XDG_RUNTIME_DIR
fi
unset WAYLAND_DISPLAY || true
mkdir -p screenshots
# A home of its own: no settings, projects or chats of the user's show.
BURNISH_HOME="$home" BURNISH_SCREENSHOTS=screenshots RUST_LOG="${RUST_LOG:-error}" \
    xvfb-run -a -s "-screen 0 1280x800x24 -nolisten tcp" "$program"
for room in model data template audit lesson recipe train runs chat; do
    for theme in dark light; do
        [ -s "screenshots/$room-$theme.png" ] || { echo "screenshots/$room-$theme.png was not taken."; exit 1; }
    done
done
echo "Wrote $(ls screenshots/*.png | wc -l) pictures to screenshots/."
