-- SPDX-License-Identifier: GPL-2.0-or-later
--
-- Wireshark's and tshark's dissector for XDPsec: sealed packets (docs/protocol.md, docs/tunnel.md) and messages of the
-- key agreement (docs/agreement.md). It finds both on the ports of a preference, and on any other port by their form.
--
--	tshark -X lua_script:xdpsec.lua -r capture.pcap
--
-- Installed among Wireshark's plugins it is always there. With a file of keys (preference "Keys"), sealed packets are
-- verified and decrypted. A line of that file is an SPI and its key, in hexadecimal digits; "#" begins a comment:
--
--	0x00001001 000102030405060708090a0b0c0d0e0f
--
-- Decryption needs luaossl, OpenSSL for Lua (Debian: lua-luaossl).

local xdpsec = Proto("xdpsec", "XDPsec")

local has_openssl, openssl = pcall(require, "openssl.cipher")
openssl = has_openssl and openssl or nil

local HEADER_LEN, TAG_LEN = 16, 16
local OVERHEAD = HEADER_LEN + TAG_LEN
local SPI_MIN = 256
local VERSION = 1
local NEXT_IPV4, NEXT_UDP, NEXT_IPV6, NEXT_NONE = 4, 17, 41, 59

local next_headers = {
	[NEXT_IPV4] = "IPv4 packet (tunnel mode)",
	[NEXT_UDP] = "UDP payload (inline mode)",
	[NEXT_IPV6] = "IPv6 packet (tunnel mode)",
	[NEXT_NONE] = "keepalive",
}

-- Messages by their type: the fields behind the header, and their lengths. So a type has one length.
local messages = {
	[1] = { name = "Initiation", { "ephemeral", 32 }, { "static", 48 }, { "payload", 48 }, { "mac1", 16 }, { "mac2", 16 } },
	[2] = { name = "Response", { "ephemeral", 32 }, { "payload", 48 }, { "mac1", 16 } },
	[3] = { name = "Cookie", { "nonce", 32 }, { "cookie", 32 } },
	[4] = { name = "Confirm", { "mac", 16 } },
	[5] = { name = "Ack", { "mac", 16 } },
}

local message_names = {}
for type, message in pairs(messages) do
	message_names[type] = message.name
	message.length = HEADER_LEN
	for _, field in ipairs(message) do
		message.length = message.length + field[2]
	end
end

-- ---- fields and preferences -------------------------------------------------------------------------------

local f = {
	spi = ProtoField.uint32("xdpsec.spi", "SPI", base.HEX, nil, nil, "Security Parameters Index; 0: key agreement"),
	next_header = ProtoField.uint8("xdpsec.next_header", "Next Header", base.DEC, next_headers),
	version = ProtoField.uint8("xdpsec.version", "Version"),
	reserved = ProtoField.bytes("xdpsec.reserved", "Reserved"),
	sequence = ProtoField.uint64("xdpsec.sequence", "Sequence Number"),
	tag = ProtoField.bytes("xdpsec.tag", "Authentication Tag"),
	tag_status = ProtoField.string("xdpsec.tag.status", "Tag status"),
	ciphertext = ProtoField.bytes("xdpsec.ciphertext", "Ciphertext"),
	type = ProtoField.uint8("xdpsec.message", "Message", base.DEC, message_names),
	session = ProtoField.uint32("xdpsec.session", "Session", base.HEX, nil, nil, "an SPI of the receiver of answers"),
	ephemeral = ProtoField.bytes("xdpsec.ephemeral", "Ephemeral public key"),
	static = ProtoField.bytes("xdpsec.static", "Static public key, encrypted"),
	payload = ProtoField.bytes("xdpsec.payload", "Payload, encrypted"),
	mac1 = ProtoField.bytes("xdpsec.mac1", "MAC1"),
	mac2 = ProtoField.bytes("xdpsec.mac2", "MAC2"),
	nonce = ProtoField.bytes("xdpsec.cookie.nonce", "Nonce"),
	cookie = ProtoField.bytes("xdpsec.cookie", "Cookie, encrypted"),
	mac = ProtoField.bytes("xdpsec.mac", "MAC"),
}
xdpsec.fields = f

local e = {
	bad_tag = ProtoExpert.new("xdpsec.tag.bad", "The tag is wrong under this key", expert.group.CHECKSUM,
		expert.severity.ERROR),
	version = ProtoExpert.new("xdpsec.version.unknown", "Unknown version", expert.group.PROTOCOL, expert.severity.WARN),
	reserved = ProtoExpert.new("xdpsec.reserved.used", "Reserved bytes are not zero", expert.group.PROTOCOL,
		expert.severity.WARN),
	malformed = ProtoExpert.new("xdpsec.malformed", "Not the length that this message has", expert.group.MALFORMED,
		expert.severity.ERROR),
	cut = ProtoExpert.new("xdpsec.cut", "The end is missing in the capture", expert.group.UNDECODED, expert.severity.NOTE),
	spi = ProtoExpert.new("xdpsec.spi.reserved", "SPIs 1 to 255 are reserved", expert.group.PROTOCOL,
		expert.severity.WARN),
	keys = ProtoExpert.new("xdpsec.keys", "Keys cannot be used", expert.group.UNDECODED, expert.severity.WARN),
}
xdpsec.experts = e

xdpsec.prefs.ports = Pref.range("UDP ports", "7253", "ports whose packets are always taken for XDPsec", 65535)
xdpsec.prefs.heuristic = Pref.bool("Other ports", true, "take packets of other ports that have the form of XDPsec's")
xdpsec.prefs.keys = Pref.string("Keys", "", "a file with an SPI and its key on each line, in hexadecimal digits")

-- Fields of other protocols, for the associated data, and for the length of what an ICMP error quotes.
local all_fields = {}
for _, name in ipairs({ "ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "udp.srcport", "udp.dstport", "udp.length" }) do
	all_fields[name] = Field.new(name)
end

-- ---- keys ----------------------------------------------------------------------------------------------

local KEYS_BYTES = 1048576
local keys = {}
local keys_wrong

-- One line of the file: an SPI and a key, or nothing. Returns what is wrong, or nil.
local function read_key(line)
	local text = line:gsub("#.*", "")
	local spi, key, rest = text:match("^%s*(%S+)%s*(%S*)%s*(.-)%s*$")

	if not spi then
		return nil
	end
	spi = tonumber(spi)
	if not spi or spi < SPI_MIN or spi > 0xffffffff or spi % 1 ~= 0 then
		return "not an SPI"
	end
	if not key:match("^%x+$") or (#key ~= 32 and #key ~= 64) then
		return "not a key of 16 or 32 bytes in hexadecimal digits"
	end
	if rest ~= "" then
		return "more than an SPI and a key"
	end
	-- An SPI that comes back has another key: each is tried.
	keys[spi] = keys[spi] or {}
	table.insert(keys[spi], (key:gsub("%x%x", function(digits)
		return string.char(tonumber(digits, 16))
	end)))
	return nil
end

local function read_keys()
	local path, number = xdpsec.prefs.keys, 0
	local file, text, why

	keys, keys_wrong = {}, nil
	if path == "" then
		return
	end
	if not openssl then
		keys_wrong = "nothing is decrypted: Lua has no openssl.cipher (Debian: lua-luaossl)"
		return
	end
	file, why = io.open(path)
	if not file then
		keys_wrong = why
		return
	end
	-- It may be a directory, or have no end.
	text, why = file:read(KEYS_BYTES)
	file:close()
	if why then
		keys_wrong = path .. ": " .. why
		return
	end
	for line in (text or ""):gmatch("([^\n]*)\n?") do
		number = number + 1
		why = read_key(line)
		if why then
			keys_wrong = string.format("%s:%d: %s", path, number, why)
		end
	end
end

-- ---- decryption ------------------------------------------------------------------------------------------

local BLOCK = 16

local function xor(a, b)
	local bytes = {}

	for i = 1, BLOCK do
		bytes[i] = string.char(bit.bxor(a:byte(i), b:byte(i)))
	end
	return table.concat(bytes)
end

-- double() of RFC 7253 section 2.
local function double(block)
	local bytes, carry = {}, 0

	for i = BLOCK, 1, -1 do
		local twice = block:byte(i) * 2 + carry

		carry = twice > 255 and 1 or 0
		bytes[i] = twice % 256
	end
	if carry == 1 then
		bytes[BLOCK] = bit.bxor(bytes[BLOCK], 0x87)
	end
	return string.char(table.unpack(bytes))
end

-- HASH(K, A) of RFC 7253 section 4.1, for A of less than 64 bytes: luaossl takes no associated data.
local function hash(key, associated)
	local ecb = openssl.new("aes-" .. #key * 8 .. "-ecb"):encrypt(key, nil, false)
	local zero = string.rep("\0", BLOCK)
	local l_star = ecb:update(zero)
	local l = { double(double(l_star)) }
	local offset, sum, at, i = zero, zero, 1, 1

	l[2] = double(l[1])
	l[3] = l[1]
	while #associated - at + 1 >= BLOCK do
		offset = xor(offset, l[i])
		sum = xor(sum, ecb:update(xor(associated:sub(at, at + BLOCK - 1), offset)))
		at, i = at + BLOCK, i + 1
	end
	if at <= #associated then
		local rest = associated:sub(at) .. "\128" .. string.rep("\0", BLOCK)

		sum = xor(sum, ecb:update(xor(rest:sub(1, BLOCK), xor(offset, l_star))))
	end
	return sum
end

-- Fields of the packet around the payload: the last ones, for a tunnel may have others in front.
local function last_field(name)
	local infos = { all_fields[name]() }

	return #infos > 0 and infos[#infos].range:raw() or nil
end

-- The payload's length on the wire: a capture, or the quotation in an ICMP error, may have less.
local function wire_length(tvb)
	local lengths = { all_fields["udp.length"]() }
	local udp = #lengths > 0 and lengths[#lengths].value - 8 or 0

	return math.max(tvb:reported_len(), udp)
end

-- The associated data of inline mode is what both ends agreed on, and is not in the packet: the three are tried.
local function bindings(next_header)
	local source, destination, from, to

	if next_header ~= NEXT_UDP then
		return { "" }
	end
	source = last_field("ip.src") or last_field("ipv6.src")
	destination = last_field("ip.dst") or last_field("ipv6.dst")
	from, to = last_field("udp.srcport"), last_field("udp.dstport")
	if not source or not destination or not from or not to then
		return { "" }
	end
	return { source .. destination .. from .. to, from .. to, "" }
end

-- The plaintext, or nil if the tag is wrong.
local function open(key, payload, associated)
	local ocb = openssl.new("aes-" .. #key * 8 .. "-ocb"):decrypt(key, payload:raw(4, 12))
	local tag = payload:raw(HEADER_LEN, TAG_LEN)
	local plain, last

	if associated ~= "" then
		tag = xor(tag, hash(key, associated))
	end
	ocb:setTag(tag)
	plain = payload:len() > OVERHEAD and ocb:update(payload:raw(OVERHEAD)) or ""
	last = ocb:final()
	return last and plain .. last
end

local function decrypt(tvb, spi, next_header)
	for _, key in ipairs(keys[spi] or {}) do
		for _, associated in ipairs(bindings(next_header)) do
			local plain = open(key, tvb, associated)

			if plain then
				return plain
			end
		end
	end
	return nil
end

local function dissect_plaintext(plain, pinfo, root, next_header)
	local tvb, dissector

	if #plain == 0 then
		return
	end
	tvb = ByteArray.new(plain, true):tvb("Plaintext")
	if next_header == NEXT_IPV4 or next_header == NEXT_IPV6 then
		dissector = Dissector.get(next_header == NEXT_IPV4 and "ip" or "ipv6")
	else
		local ports = DissectorTable.get("udp.port")

		for _, port in ipairs({ math.min(pinfo.src_port, pinfo.dst_port), math.max(pinfo.src_port, pinfo.dst_port) }) do
			local found = ports:get_dissector(port)

			if found and tostring(found) ~= "xdpsec" and not dissector then
				dissector = found
			end
		end
		dissector = dissector or Dissector.get("data")
	end
	-- What is malformed inside is shown as that, and is no error of this script.
	pcall(dissector.call, dissector, tvb, pinfo, root)
end

-- ---- packets -----------------------------------------------------------------------------------------------

local function add_version(tvb, tree)
	local version = tree:add(f.version, tvb(5, 1))

	if tvb(5, 1):uint() ~= VERSION then
		version:add_proto_expert_info(e.version)
	end
end

local function add_reserved(tvb, tree, at, length)
	local reserved = tree:add(f.reserved, tvb(at, length))

	if tvb(at, length):bytes():tohex():match("[^0]") then
		reserved:add_proto_expert_info(e.reserved)
	end
end

local function dissect_sealed(tvb, pinfo, tree, root)
	local spi, next_header = tvb(0, 4):uint(), tvb(4, 1):uint()
	local wire = wire_length(tvb)
	local length = tvb:len() - OVERHEAD
	local tag, plain

	if spi < SPI_MIN then
		tree:add_proto_expert_info(e.spi)
	end
	tree:add(f.next_header, tvb(4, 1))
	add_version(tvb, tree)
	add_reserved(tvb, tree, 6, 2)
	tree:add(f.sequence, tvb(8, 8))
	tag = tree:add(f.tag, tvb(HEADER_LEN, TAG_LEN))
	if length > 0 then
		tree:add(f.ciphertext, tvb(OVERHEAD, length))
	end
	pinfo.cols.info = string.format("%s, SPI 0x%08x, sequence number %s, %d bytes",
		next_header == NEXT_NONE and "Keepalive" or "Sealed", spi, tostring(tvb(8, 8):uint64()), wire - OVERHEAD)
	if wire > tvb:len() then
		tree:add_proto_expert_info(e.cut)
		return
	end
	if not keys[spi] then
		return
	end
	plain = decrypt(tvb, spi, next_header)
	if not plain then
		tree:add(f.tag_status, tvb(HEADER_LEN, TAG_LEN), "Bad"):set_generated()
		tag:add_proto_expert_info(e.bad_tag)
		return
	end
	tree:add(f.tag_status, tvb(HEADER_LEN, TAG_LEN), "Good"):set_generated()
	dissect_plaintext(plain, pinfo, root, next_header)
end

local function dissect_message(tvb, pinfo, tree)
	local type, session = tvb(4, 1):uint(), tvb(8, 4):uint()
	local message, at = messages[type], HEADER_LEN

	tree:add(f.type, tvb(4, 1))
	add_version(tvb, tree)
	add_reserved(tvb, tree, 6, 2)
	tree:add(f.session, tvb(8, 4))
	add_reserved(tvb, tree, 12, 4)
	pinfo.cols.info = string.format("%s, session 0x%08x", message and message.name or "Message of type " .. type, session)
	if not message or wire_length(tvb) ~= message.length then
		tree:add_proto_expert_info(e.malformed)
		return
	end
	for _, field in ipairs(message) do
		if at + field[2] > tvb:len() then
			tree:add_proto_expert_info(e.cut)
			return
		end
		tree:add(f[field[1]], tvb(at, field[2]))
		at = at + field[2]
	end
end

function xdpsec.dissector(tvb, pinfo, root)
	local tree, spi

	-- Shorter than any packet of XDPsec, or cut by the capture.
	if tvb:len() < OVERHEAD then
		return 0
	end
	pinfo.cols.protocol = "XDPsec"
	tree = root:add(xdpsec, tvb())
	spi = tvb(0, 4):uint()
	tree:add(f.spi, tvb(0, 4))
	if keys_wrong then
		tree:add_proto_expert_info(e.keys, keys_wrong)
	end
	if spi == 0 then
		dissect_message(tvb, pinfo, tree)
	else
		dissect_sealed(tvb, pinfo, tree, root)
	end
	return tvb:len()
end

-- ---- which packets -------------------------------------------------------------------------------------------

-- Only what a receiver would not call malformed: other protocols begin with these bytes once in 2^40 packets.
local function has_form(tvb)
	local spi, session

	if tvb:len() < OVERHEAD or tvb(5, 1):uint() ~= VERSION or tvb(6, 2):uint() ~= 0 then
		return false
	end
	spi = tvb(0, 4):uint()
	if spi ~= 0 then
		return spi >= SPI_MIN and next_headers[tvb(4, 1):uint()] ~= nil
	end
	session = messages[tvb(4, 1):uint()]
	return session ~= nil and session.length == wire_length(tvb) and tvb(12, 4):uint() == 0 and tvb(8, 4):uint() >= SPI_MIN
end

xdpsec:register_heuristic("udp", function(tvb, pinfo, root)
	if not xdpsec.prefs.heuristic or not has_form(tvb) then
		return false
	end
	xdpsec.dissector(tvb, pinfo, root)
	return true
end)

local udp_ports = DissectorTable.get("udp.port")
local registered = ""

local function register_ports()
	if registered ~= "" then
		udp_ports:remove(registered, xdpsec)
	end
	registered = xdpsec.prefs.ports
	if registered ~= "" then
		udp_ports:add(registered, xdpsec)
	end
end

function xdpsec.prefs_changed()
	register_ports()
	read_keys()
end

function xdpsec.init()
	read_keys()
end

register_ports()
