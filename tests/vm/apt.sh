# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Packages from where apt is configured to get them: from the machine's own suites (apt_options), or from the
# later suites of the same archive, verified with the same keys (apt_options and later). apt's state and lists
# for that are in $vm/apt; the machine's own are not touched. To be sourced after arch.sh, with $vm set.
# shellcheck disable=SC2154 # vm, foreign

apt=$vm/apt
sources=()
mkdir -p "$apt"/{lists,cache,later-lists,later-cache,etc/sources}
apt_options=(
	-o "Dir::State::lists=$apt/lists" -o "Dir::Cache=$apt/cache"
	-o "Dir::Etc::preferences=/dev/null" -o "Dir::Etc::preferencesparts=/dev/null"
	-o Acquire::Languages=none -o APT::Sandbox::User= -o "Debug::NoLocking=true"
)
# Another architecture's packages: as on a machine that has nothing installed.
if [ -n "$foreign" ]; then
	: >"$apt/status"
	apt_options+=(-o "APT::Architecture=$foreign" -o "APT::Architectures=$foreign" -o "Dir::State::status=$apt/status")
fi
# Lists of their own, because an update removes those of sources that it does not know.
# shellcheck disable=SC2034 # used by those who source this
later=(
	-o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$apt/etc/sources"
	-o "Dir::State::lists=$apt/later-lists" -o "Dir::Cache=$apt/later-cache"
)

# Debian's own archives among the configured ones, as "URI CODENAME SOURCE-FILE".
archives() {
	apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(REPO_URI)|$(CODENAME)|$(SOURCESENTRY)' \
		"${apt_options[@]}" 'Created-By: Packages' |
		awk -F'|' '$1 == "Debian" && $2 == "Debian" { sub(/:[0-9]+$/, "", $5); print $3, $4, $5 }' | sort -u
}

# The suites that come later than the configured ones, at the same place and with the same keys.
write_later_sources() {
	local uri codename file suites seen=

	rm -f "$apt/etc/sources"/*
	while read -r uri codename file; do
		case $codename in *-*) continue ;; esac
		[[ " $seen " != *" $uri "* ]] || continue
		seen+=" $uri"
		suites="$codename-backports testing unstable experimental"
		case $file in
		*.sources)
			# Everything the configuration says about this archive, except which suites.
			awk -v RS= -v uri="${uri%/}" -v suites="$suites" '
				index($0, uri) == 0 { next }
				{
					lines = split($0, line, "\n"); kept = 1
					for (i = 1; i <= lines; i++) {
						if (line[i] ~ /^[^ \t]/)
							kept = line[i] !~ /^(#|Types:|Suites:|Components:|Enabled:)/
						if (kept && line[i] !~ /^#/) print line[i]
					}
					print "Types: deb\nSuites: " suites "\nComponents: main\n"
					exit
				}' "$file" >"$apt/etc/sources/later.sources"
			;;
		*)
			awk -v uri="${uri%/}" -v suites="$suites" '
				$1 != "deb" || index($0, uri) == 0 { next }
				{
					options = match($0, /\[[^]]*\]/) ? substr($0, RSTART, RLENGTH) " " : ""
					n = split(suites, suite, " ")
					for (i = 1; i <= n; i++) print "deb " options uri " " suite[i] " main"
					exit
				}' "$file" >"$apt/etc/sources/later.list"
			;;
		esac
	done < <(archives)
}

update() {
	local log=$apt/update.log

	echo "vm: reading the package lists of $1" >&2
	# A suite that does not exist (backports of an old release) is an error for apt, and none for us.
	apt-get -q "${apt_options[@]}" "${@:2}" update >"$log" 2>&1 </dev/null || true
}

# ---- a root directory --------------------------------------------------------------------------------------

# needed PACKAGE...: sets packages to NAME=VERSION of these and of all that they need, as on a machine that has nothing,
# so that every library is among them. From where sources (later, or nothing) says.
needed() {
	: >"$apt/nothing"
	mapfile -t packages < <(apt-get -s "${apt_options[@]}" "${sources[@]}" -o "Dir::State::status=$apt/nothing" \
		--no-install-recommends install "$@" 2>"$apt/needed.log" |
		sed -En 's/^Inst ([^ ]+) \(([^ ]+) .*/\1=\2/p')
	[ ${#packages[@]} -gt 0 ] || {
		tail -n 5 "$apt/needed.log" >&2
		die "cannot find out what $* need"
	}
}

# download DIRECTORY PACKAGE...
download() {
	(cd "$1" && apt-get -q "${apt_options[@]}" "${sources[@]}" download "${@:2}") >"$apt/download.log" 2>&1 </dev/null || {
		tail -n 5 "$apt/download.log" >&2
		return 1
	}
}

# unpack_root DIRECTORY ROOT [OPTION-OF-TAR...]: the packages in DIRECTORY, as the machine has them: what they put into
# /lib belongs to /usr/lib.
unpack_root() {
	local package directory

	mkdir -p "$2/usr"
	for directory in bin lib lib64 sbin; do
		mkdir "$2/usr/$directory"
		ln -s "usr/$directory" "$2/$directory"
	done
	for package in "$1"/*.deb; do
		dpkg-deb --fsys-tarfile "$package" | tar -x --keep-directory-symlink -C "$2" "${@:3}" || {
			echo "vm: cannot unpack ${package##*/}" >&2
			return 1
		}
	done
	chmod 0755 "$2"
}
