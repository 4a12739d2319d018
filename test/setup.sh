#!/bin/sh
# Makes a fresh clone ready: packages from npm with their own node 24, and the Debian packages with the real servers that
# tests and demo start themselves. Does nothing, quickly, when all is there. `--node-only` leaves the servers out, `--demo` those
# that only tests start.
set -eu
cd "$(dirname "$0")/.."

# --- npm packages -----------------------------------------------------------------------------------------------------

lock=node_modules/.package-lock.json
if [ ! -e $lock ] || [ package-lock.json -nt $lock ]; then
  echo 'setup: npm ci'
  # npm leaves out, without a word, what does not run on the node it runs on itself: parts of the linter and of the test runner on Debian 12.
  newer=
  node -e 'const [major, minor] = process.versions.node.split("."); process.exit(major > 20 || major == 20 && minor >= 19 ? 0 : 1)' ||
    newer="npm exec --yes --package=node@$(node -p 'require("./package.json").devDependencies.node') --package=npm@11.6.2 --"
  $newer npm ci --no-audit --no-fund --loglevel=error >/dev/null
  touch $lock
fi
# The package `node` fetches its binary in an install script, which npm may have been told not to run.
if [ ! -x node_modules/.bin/node ]; then
  echo 'setup: node 24'
  (cd node_modules/node && node installArchSpecificPackage.js >/dev/null)
  ln -sf ../node/bin/node node_modules/.bin/node
fi
[ "${1:-}" != --node-only ] || exit 0

# --- servers ----------------------------------------------------------------------------------------------------------

cache=${XDG_CACHE_HOME:-$HOME/.cache}/postern-servers
PATH=$PATH:/usr/sbin:$cache/usr/sbin
missing=
# What each package is needed for stands after the colon.
needs='dovecot-imapd:/usr/lib/dovecot/imap dovecot-lmtpd:/usr/lib/dovecot/lmtp dovecot-sieve:sievec
  dovecot-managesieved:/usr/lib/dovecot/managesieve exim4-daemon-light:exim4 radicale:radicale openssl:openssl'
[ "${1:-}" = --demo ] || needs="$needs xandikos:xandikos libwbxml2-utils:wbxml2xml slapd:slapd haproxy:haproxy redis-server:redis-server
  nginx:nginx apache2-bin:apache2 caddy:caddy fail2ban:fail2ban-regex mandoc:mandoc chromium:chromium docker-compose:docker-compose"
for need in $needs; do
  command -v "${need#*:}" >/dev/null || missing="$missing ${need%%:*}"
done
[ -n "$missing" ] || exit 0

sudo=
[ "$(id -u)" = 0 ] || sudo='sudo -n'
if ! command -v apt-get >/dev/null || ! $sudo true 2>/dev/null; then
  echo "setup: please install these Debian packages as root, then try again:$missing" >&2
  exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt="$sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq --no-install-recommends -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300"

# A package that is not known yet, or whose file has been replaced in the archive, wants fresh lists.
$apt -s install $missing >/dev/null 2>&1 || $apt update

install=
for package in $missing; do
  if ! $apt -s install "$package" | grep -q '^Remv'; then
    install="$install $package"
  elif [ "$package" = exim4-daemon-light ]; then
    # Another mail server is installed here and stays: unpack ours. Exim wants its user, whose name is compiled in, to exist.
    echo "setup: unpacking $package into $cache"
    mkdir -p "$cache"
    (cd "$cache" && apt-get -qq -o APT::Sandbox::User=root download exim4-base $package && for deb in ./*.deb; do dpkg -x "$deb" . && rm "$deb"; done)
    LC_ALL=C sed -i 's/Debian-exim/daemon\x00\x00\x00\x00\x00/g' "$cache/usr/sbin/exim4"
  else
    echo "setup: $package would remove other packages from this machine; please decide and install it yourself" >&2
    exit 1
  fi
done
[ -n "$install" ] || exit 0

echo "setup: apt-get install$install"
# Installing must not start them as services of the machine, now or at its next start.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
  trap '$sudo rm -f $policy' EXIT
  trap 'exit 1' INT TERM
  printf '#!/bin/sh\nexit 101\n' | $sudo sh -c "cat > $policy && chmod 755 $policy"
fi
$apt install $install >/dev/null 2>&1 || { $apt update && $apt install $install >/dev/null; }
if [ -d /run/systemd/system ]; then
  # A Dovecot that only gets its filters now was here before, and goes on.
  for unit in dovecot:dovecot-imapd exim4:exim4 radicale:radicale slapd:slapd haproxy:haproxy redis-server:redis-server nginx:nginx caddy:caddy fail2ban:fail2ban; do
    case $install in *${unit#*:}*) $sudo systemctl --quiet disable "${unit%%:*}" 2>/dev/null || true ;; esac
  done
fi
