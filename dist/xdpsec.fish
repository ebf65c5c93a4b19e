# SPDX-License-Identifier: GPL-2.0-or-later
# fish completion for xdpsec(8)

# The words that are no options, and no arguments of them: the command, NAME, PEER
function __xdpsec_words
    set -l skip no
    for word in (commandline -opc)[2..]
        if test $skip = yes
            set skip no
            continue
        end
        switch $word
            case -n --netns --state-dir --bits -o --output --device --listen --from
                set skip yes
            case '-*'
            case '*'
                echo $word
        end
    end
end

# __xdpsec_at N COMMAND...: the Nth word behind one of these commands is being written; without COMMAND, the command
function __xdpsec_at
    set -l words (__xdpsec_words)
    test (count $words) -eq $argv[1]; or return 1
    test $argv[1] -eq 0; or contains -- $words[1] $argv[2..]
end

function __xdpsec_has
    set -l words (__xdpsec_words)
    test (count $words) -gt 0; and contains -- $words[1] $argv
end

function __xdpsec_none
    test (count (__xdpsec_words)) -eq 0
end

function __xdpsec_names
    for file in $argv[1]/*$argv[2]
        string replace -r -- (string escape --style=regex -- "$argv[2]")'$' '' (basename $file)
    end
end

# What a killed command has left begins with "_".
function __xdpsec_instances
    __xdpsec_names /sys/fs/bpf/xdpsec '' | string match -v '_*'
end

function __xdpsec_peers
    set -l netns
    set -l line (commandline -opc)
    for i in (seq (count $line))
        contains -- $line[$i] -n --netns; and set netns -n $line[(math $i + 1)]
    end
    xdpsec $netns status --long (__xdpsec_words)[2] 2>/dev/null | string replace -rf '^peer: ' ''
end

# Configuration files, directories to descend into, and names of files in the usual directory
function __xdpsec_files
    set -l token (commandline -ct)
    for file in $token*.conf $token*/
        echo $file
    end
    __xdpsec_names $argv[1] .conf
end

complete -c xdpsec -f

complete -c xdpsec -n '__xdpsec_at 0' -a up -d 'start the instance that a file configures'
complete -c xdpsec -n '__xdpsec_at 0' -a down -d 'stop an instance'
complete -c xdpsec -n '__xdpsec_at 0' -a reload -d 'read the configuration again, apply the changes'
complete -c xdpsec -n '__xdpsec_at 0' -a status -d 'counters of one instance, or of all; of one peer'
complete -c xdpsec -n '__xdpsec_at 0' -a metrics -d 'counters and states for a monitoring system'
complete -c xdpsec -n '__xdpsec_at 0' -a agree -d 'agree on keys with the peers of an instance'
complete -c xdpsec -n '__xdpsec_at 0' -a rekey -d 'give up all agreed keys, and agree on new ones'
complete -c xdpsec -n '__xdpsec_at 0' -a diagnose -d 'say the first thing that is wrong on the way to a peer'
complete -c xdpsec -n '__xdpsec_at 0' -a probe -d 'find the largest packet that gets through the tunnel'
complete -c xdpsec -n '__xdpsec_at 0' -a check -d 'report all that up or reload would refuse'
complete -c xdpsec -n '__xdpsec_at 0' -a genkey -d 'print a new private key'
complete -c xdpsec -n '__xdpsec_at 0' -a pubkey -d 'print the public key of a private key'
complete -c xdpsec -n '__xdpsec_at 0' -a genpsk -d 'print a new preshared key'
complete -c xdpsec -n '__xdpsec_at 0' -a import -d 'make a configuration from a file of wg-quick'
complete -c xdpsec -n '__xdpsec_at 0' -a selftest -d 'run the test vectors of RFC 7253 in the kernel'
complete -c xdpsec -n '__xdpsec_at 0' -a version -d 'print versions'
complete -c xdpsec -n '__xdpsec_at 0' -a help -d 'print a summary, or the page of a command'

complete -c xdpsec -n '__xdpsec_at 1 up check' -k -a '(__xdpsec_files /etc/xdpsec)'
complete -c xdpsec -n '__xdpsec_at 1 import' -k -a '(__xdpsec_files /etc/wireguard)'
complete -c xdpsec -n '__xdpsec_at 1 down reload status metrics agree rekey diagnose probe' -a '(__xdpsec_instances)'
complete -c xdpsec -n '__xdpsec_at 2 status diagnose probe' -a '(__xdpsec_peers)'
complete -c xdpsec -n '__xdpsec_at 1 help' -a 'up down reload status metrics agree rekey diagnose probe check genkey pubkey genpsk import selftest version help'

complete -c xdpsec -s n -l netns -x -a '(__xdpsec_names /run/netns "")' -d 'work in this network namespace'
complete -c xdpsec -l state-dir -x -a '(__fish_complete_directories)' -d 'where up records used sequence numbers'
complete -c xdpsec -s h -l help -d 'print a summary, or the page of the command'
complete -c xdpsec -n __xdpsec_none -s V -l version -d 'print versions'
complete -c xdpsec -n '__xdpsec_has up check reload' -l new-key -d 'keys without recorded state were never used'
complete -c xdpsec -n '__xdpsec_has up check reload' -l moved-state -d 'the state directory was moved here'
complete -c xdpsec -n '__xdpsec_has up check' -l no-attach -d 'load and pin only'
complete -c xdpsec -n '__xdpsec_has up reload' -l no-agent -d 'a supervisor runs the agent'
complete -c xdpsec -n '__xdpsec_has agree' -l background -d 'return when the agent is ready'
complete -c xdpsec -n '__xdpsec_has status diagnose probe check selftest version' -s j -l json -d 'print JSON'
complete -c xdpsec -n '__xdpsec_has status' -s l -l long -d 'all of each peer'
complete -c xdpsec -n '__xdpsec_has status' -s w -l watch -d 'again every second'
complete -c xdpsec -n '__xdpsec_has genkey' -l manual -d 'a manual key'
complete -c xdpsec -n '__xdpsec_has genkey' -l bits -x -a '128 256' -d 'of a manual key'
complete -c xdpsec -n '__xdpsec_has import metrics' -s o -l output -r -F -d 'write there'
complete -c xdpsec -n '__xdpsec_has metrics' -l listen -x -a '127.0.0.1:7253 [::1]:7253' -d 'serve the metrics over HTTP'
complete -c xdpsec -n '__xdpsec_has metrics' -l from -r -F -d 'serve this file'
complete -c xdpsec -n '__xdpsec_has import' -l device -x -a '(__xdpsec_names /sys/class/net "")' -d 'that of the sealed packets'
