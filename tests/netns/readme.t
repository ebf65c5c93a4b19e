#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# README.md as a new user does what it says: not root, but with sudo, in a clone of one's own, on two machines with the
# addresses that it names:
#
#	site-a eth0 192.0.2.1 --- internet --- 198.51.100.1 eth0 site-b
#
# Machines have a stand-in for sudo, as theirs are made of this one, which may have none, and one for scp.
# shellcheck source=tests/netns/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=tests/netns/lib/machine.sh
. "$here/machine.sh"
# shellcheck source=tests/netns/lib/readme.sh
. "$here/readme.sh"

README=$TOP/README.md
USER_ID=12345
command -v setpriv >/dev/null || skip_all "needs setpriv"
TREE=$TOP

# make_home SITE: a user, a clone, and what `make install` may write to
make_home() {
	local namespace=$ID-$1 files=$WORK/$ID-$1

	# Nobody else's /usr/local is changed, and what was installed there before does not count.
	mkdir -p "$files"/local/{upper,work} "$files/tree"
	chmod 755 "$files/local/upper"
	tar -C "$TOP" --exclude=./.output/vm --exclude=./.output/tests -cf - . | tar -C "$files/tree" -xf -
	chown -R $USER_ID:$USER_ID "$files/tree"
	# systemd lets everybody ping (50-default.conf). A capability of ping's file, as Debian 12 has it, is not in the file
	# system of a virtual machine.
	in_ns "$namespace" sysctl -qw net.ipv4.ping_group_range="0 2147483647"
	# shellcheck disable=SC2016
	in_machine "$namespace" sh -ec '
		mount -t overlay -o "lowerdir=/usr/local,upperdir=$1/local/upper,workdir=$1/local/work" overlay /usr/local
		rm -rf /usr/local/sbin/xdpsec /usr/local/lib/xdpsec
		mkdir -p "$3" && mount --bind "$1/tree" "$3"
		mkdir -p /run/user-home /run/stand-in/user /run/stand-in/root "$4/scp"
		chown "$2:$2" /run/user-home
		cp "$(command -v setpriv)" /run/stand-in/setpriv
		chmod 4755 /run/stand-in/setpriv
		cat >/run/stand-in/user/sudo <<-"END"
			#!/bin/sh
			exec /run/stand-in/setpriv --reuid=0 --regid=0 --clear-groups -- env -i \
				PATH=/run/stand-in/root:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root "$@"
		END
		printf "#!/bin/sh\nfor last; do :; done\necho \$last >%s/to\nwhile [ \$# -gt 1 ]; do cp \$1 %s/; shift; done\n" \
			"$4/scp" "$4/scp" >/run/stand-in/root/scp
		chmod 755 /run/stand-in/*/*' sh "$files" "$USER_ID" "$TREE" "$WORK"
}

# as_user SITE SCRIPT: in the clone, as after a login
as_user() {
	in_machine "$ID-$1" setpriv --reuid=$USER_ID --regid=$USER_ID --clear-groups --inh-caps=-all -- env -i \
		PATH=/run/stand-in/user:/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games HOME=/run/user-home \
		LANG=C.UTF-8 bash -e -o pipefail -c "cd '$TREE'; $2"
}

at() { in_machine "$ID-$1" "${@:2}"; }

# both SCRIPT: line by line, at each of the sites, with its own name and the other's address
both() {
	local line site

	while read -r line <&3; do
		for site in site-a site-b; do
			if [ -n "$NO_SYSTEMD" ] && [[ $line == *systemctl* ]]; then
				skip "$site: $line" "$NO_SYSTEMD"
				continue
			fi
			[ $site = site-a ] || line=$(at_other_site "$line")
			ok "$site: $line" as_user $site "$line"
		done
	done 3<<<"$1"
}

# write_file SITE TEXT: as the user's editor does
write_file() { at "$1" sh -c "umask 077; cat >/etc/xdpsec/$1.conf" <<<"$2"; }

# make_private_keys: at both sites, as the README does; PUBLIC_KEY gets what is printed
declare -A PUBLIC_KEY
make_private_keys() {
	local site block

	for site in site-a site-b; do
		block=$(block "Two sites" 1 | sed "s/site-a/$site/g")
		ok "$site: make its private key" as_user $site "$(sed -n 1p <<<"$block")"
		PUBLIC_KEY[$site]=$(as_user $site "$(sed -n 2p <<<"$block")")
		like "$site: its public key" "${PUBLIC_KEY[$site]}" '^[A-Za-z0-9+/]{43}=$'
		is "$site: nobody else may read the private one" "$(at $site stat -c "%a %u" /etc/xdpsec/$site.key)" "600 0"
	done
}

# write_agreed SECTION: its configuration at both sites, with the keys that they have
write_agreed() {
	local site other=site-b text

	text=$(file "$1")
	for site in site-a site-b; do
		write_file $site "$(sed "s|^PublicKey = .*|PublicKey = ${PUBLIC_KEY[$other]}|; s|^PrivateKeyFile = .*|PrivateKeyFile = $site.key|" <<<"$text")"
		other=site-a text=$(swapped "$text")
	done
}

agreed() { [ "$(at "$1" xdpsec status "$1" -j | jq -r '.peers[0].agreement.state')" = agreed ]; }

# give_keys: makes them at site-a, as the README does, and takes them where scp would
give_keys() {
	at site-a rm -rf /var/lib/xdpsec
	at site-b rm -rf /var/lib/xdpsec
	ok "keys: site-a: make and copy them" as_user site-a "$(block "Manual keys" 1)"
	is "keys: to site-b" "$(cat "$WORK/scp/to")" "root@198.51.100.1:/etc/xdpsec/"
	for key in a-to-b.key b-to-a.key; do
		at site-b cp "$WORK/scp/$key" /etc/xdpsec/
	done
	is "keys: nobody else may read them" "$(at site-a sh -c 'stat -c "%a %u" /etc/xdpsec/?-to-?.key')" $'600 0\n600 0'
}

udp() { packets "$ID-site-a" roundtrip 198.51.100.1 5201 --size 200; }
sealed() { at site-b xdpsec status site-b -j | jq '.peers[0].rx.packets'; }

make_namespace "$ID-internet"
enable_routing "$ID-internet"
for site in site-a:192.0.2 site-b:198.51.100; do
	namespace=$ID-${site%:*} net=${site#*:}
	make_namespace "$namespace"
	ip -n "$namespace" link add eth0 type veth peer name "${site%:*}" netns "$ID-internet"
	add_address "$ID-internet" "${site%:*}" "$net.254/24"
	add_address "$namespace" eth0 "$net.1/24"
	ip -n "$namespace" route add default via "$net.254"
	ok "machine ${site%:*}" make_machine "$namespace" || bail "no machine"
	boot_machine "$namespace" || run_machine "$namespace" tail -f /dev/null || bail "no machine"
	ok "its user" make_home "${site%:*}" || bail "no user"
done
start_echo "$ID-site-b" 198.51.100.1 5201

# The contents of a block of commands are below.
is "the README has these blocks" "$(awk '/^```/ { fence = !fence; next } /^## / { section = substr($0, 4); within = 0 }
	fence { next } /^    / { if (!within) print section; within = 1; next } /./ { within = 0 }' "$README" | uniq -c |
	sed 's/^ *//')" "5 Install
2 Two sites
1 Inline
3 Manual keys
2 Attach by hand
3 Building"

# ---- make, and install -------------------------------------------------------------------------------

ok "sudo make demo, as make would do it" as_user site-a "make -n demo"
ok "sudo make check, likewise" as_user site-a "make -n check"
ok "sudo make deb, likewise" as_user site-a "make -n deb"
ok "before, there is no xdpsec" as_user site-a "sudo sh -c '! command -v xdpsec'"
if as_user site-a "make -n all" >"$WORK/make" 2>&1; then
	# What installs packages is for tests/deb.
	both "$(block Install 5 | sed /deps/d)"
else
	skip "make && sudo make install" "cannot be built here: $(tail -n 1 "$WORK/make")"
	for site in site-a site-b; do
		at $site sh -c "cp '$XDPSEC' /usr/local/sbin/; mkdir -p /usr/local/lib/xdpsec; cp '$OUTPUT'/*.bpf.o /usr/local/lib/xdpsec/"
	done
fi
ok "site-a: there is one now" as_user site-a "sudo xdpsec version"
is "/etc/xdpsec is root's alone" "$(at site-a stat -c '%a %u' /etc/xdpsec)" "700 0"

# ---- a tunnel ----------------------------------------------------------------------------------------

refuses "keys: not without sudo" as_user site-a "(umask 077; xdpsec genkey > /etc/xdpsec/site-a.key)"
make_private_keys
write_agreed "Two sites"
both "$(block "Two sites" 2)"
for site in site-a site-b; do
	ok "$site: keys are agreed on" agreed $site
	is "$site: through the tunnel" "$(at $site xdpsec status $site -j | jq -r '.peers[0].state')" alive
	ok "$site: down" as_user $site "sudo xdpsec down $site"
done

# ---- inline ------------------------------------------------------------------------------------------

ok "in clear before" udp
write_agreed Inline
both "$(block Inline 1)"
for site in site-a site-b; do
	ok "$site: keys are agreed on" wait_for 10 agreed $site
done
ok "and sealed" udp
is "it was" "$(sealed)" 1
for site in site-a site-b; do
	ok "$site: down" as_user $site "sudo xdpsec down $site"
done

# ---- manual keys -------------------------------------------------------------------------------------

give_keys
write_file site-a "$(file "Manual keys")"
write_file site-b "$(swapped "$(file "Manual keys")")"
ok "in clear before" udp
both "$(block "Manual keys" 2)"
ok "and sealed" udp
is "it was" "$(sealed)" 1
both "$(block "Manual keys" 3)"
for site in site-a site-b; do
	[ -n "$NO_SYSTEMD" ] || at $site systemctl disable --now xdpsec@$site >"$WORK/said" 2>&1
	at $site sh -c "[ ! -e /sys/fs/bpf/xdpsec/$site ] || xdpsec down $site"
done

# ---- attached by hand --------------------------------------------------------------------------------

mapfile -t hand < <(block "Attach by hand" 1)
mapfile -t off < <(block "Attach by hand" 2)
is "by hand: the lines" "${#hand[@]} ${#off[@]}" "8 4"
ok "site-b: up" as_user site-b "sudo xdpsec up site-b"
for ingress in 2 3 4; do
	# The filters: both are tried with an ingress that every libxdp takes.
	for egress in 6 7; do
		[ $ingress -eq 3 ] || [ $egress -eq 7 ] || continue
		script="${hand[0]}; ${hand[1]}; ${hand[ingress]}; ${hand[5]}; ${hand[egress]}"
		name="by hand: ${hand[ingress]%% -*} ... ${hand[egress]##* bpf }"
		if [ $ingress -eq 2 ] && ! as_user site-a "$script" >"$WORK/said" 2>&1; then
			skip "$name" "$(grep -m1 . "$WORK/said")"
			as_user site-a "sudo xdpsec down site-a" >"$WORK/said" 2>&1
			continue
		fi
		[ $ingress -eq 2 ] || ok "$name" as_user site-a "$script"
		before=$(sealed)
		ok "$name: sealed" udp
		is "$name: it was" "$(sealed)" $((before + 1))
		ok "$name: down" as_user site-a "${off[0]}"
		refuses "$name: it fails closed" packets "$ID-site-a" roundtrip 198.51.100.1 5201 --timeout 1
		case $ingress in
		2) ok "$name: unload" as_user site-a "${off[1]}" ;;
		*) ok "$name: xdp off" as_user site-a "${off[2]}" ;;
		esac
		ok "$name: no filter" as_user site-a "${off[3]}"
	done
done
ok "site-b: down" as_user site-b "sudo xdpsec down site-b"
ok "in clear again" udp

# ---- building ----------------------------------------------------------------------------------------

while read -r line; do
	ok "a target: $line" as_user site-a "${line/make/make -n}"
done < <(for i in 1 2 3 4 5; do block Building $i; done)
done_testing
