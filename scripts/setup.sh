# Shared by ./run and ./test: what they need, installed where it is missing.

say() { printf '\033[1m▸ %s\033[0m\n' "$*"; }
fail() { printf 'acuse: %s\n' "$*" >&2; exit 1; }

# need PROGRAM=PACKAGE …: installs the Debian packages of the programs that are not there.
need() {
  local missing=() pair
  for pair in "$@"; do
    command -v "${pair%%=*}" >/dev/null 2>&1 || [ -x "${pair%%=*}" ] || missing+=("${pair#*=}")
  done
  [ ${#missing[@]} -eq 0 ] && return
  command -v apt-get >/dev/null || fail "faltan estos programas de Debian: ${missing[*]}"
  [ "$(id -u)" -eq 0 ] || fail "instale lo que falta y vuelva a empezar: sudo apt-get install --no-install-recommends ${missing[*]}"
  say "Instalando ${missing[*]}"
  # Packages that carry a server must not start it.
  local policy=/usr/sbin/policy-rc.d made_policy=
  if [ ! -e "$policy" ]; then printf '#!/bin/sh\nexit 101\n' >"$policy"; chmod +x "$policy"; made_policy=yes; fi
  command -v debconf-set-selections >/dev/null \
    && echo 'postfix postfix/main_mailer_type select No configuration' | debconf-set-selections
  local log
  log=$(mktemp)
  if ! { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
    tail -20 "$log" >&2
    fail "apt-get no pudo instalar ${missing[*]}"
  fi
  rm -f "$log"
  if [ -n "$made_policy" ]; then rm -f "$policy"; fi
}

# need_rust YES: a toolchain at least as new as rust-version in Cargo.toml.
need_rust() {
  local wanted have
  [ -d "$HOME/.cargo/bin" ] && PATH="$HOME/.cargo/bin:$PATH"
  wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
  have=$(rustc --version 2>/dev/null | cut -d' ' -f2 || true)
  if [ -n "$have" ] && [ "$(printf '%s\n%s\n' "$wanted" "$have" | sort -V | head -1)" = "$wanted" ]; then return; fi
  if [ -z "$1" ] && [ -t 0 ]; then
    read -rp "Falta Rust $wanted o más nuevo. ¿Instalarlo con rustup en su carpeta personal? [S/n] " answer
    case "$answer" in [nN]*) fail "instale Rust $wanted y vuelva a empezar" ;; esac
  elif [ -z "$1" ]; then
    fail "falta Rust $wanted o más nuevo; instálelo con rustup, o vuelva a empezar con --yes"
  fi
  say "Instalando Rust $wanted"
  if command -v rustup >/dev/null; then
    rustup toolchain install "$wanted" --profile minimal && rustup default "$wanted"
  else
    curl -sSf https://sh.rustup.rs | sh -s -- -y --profile minimal --default-toolchain "$wanted"
    PATH="$HOME/.cargo/bin:$PATH"
  fi
}

# Style, script, icons and fonts from npm into web/dist, when something they are made of has changed.
build_web() {
  local made_of
  made_of=$(find web/build web/css web/js web/*.json web/icons.txt web/marca.svg crates/server/templates -type f -print0 \
    | sort -z | xargs -0 sha256sum | sha256sum)
  if [ -d web/node_modules ] && [ "$(cat web/dist/.made-of 2>/dev/null)" = "$made_of" ]; then return; fi
  say "Preparando estilos, iconos y fuentes (unos 30 segundos)"
  (cd web && npm ci --no-audit --no-fund --loglevel=error && npm run --silent build)
  echo "$made_of" >web/dist/.made-of
}
