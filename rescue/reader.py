#!/usr/bin/python3
"""Reads a Stillpoint vault in a local folder without Stillpoint: written from docs/vault-format.md alone.

    reader.py VAULT KEY list
    reader.py VAULT KEY verify
    reader.py VAULT KEY restore POINT DISK FILE

KEY is --key-file FILE (a key file, or the five lines of a recovery sheet) or --passphrase or --passphrase-file FILE.
POINT is an id as `list` tells it or its beginning; FILE must not exist yet and becomes a raw, sparse image of the disk.
--no-index ignores the index and reads the directories of all packs, for a vault whose index is lost or wrong.

Needs Debian's python3, python3-cryptography and python3-zstandard, for passphrases python3-argon2 too. It never writes
to the vault. Numbers in brackets are the sections of docs/vault-format.md.

Exit: 0 done, 1 something is damaged or missing, 2 wrong arguments, 3 wrong key, 4 made by a newer Stillpoint.
"""

import argparse
import bisect
import collections
import datetime
import functools
import getpass
import hashlib
import hmac
import json
import os
import re
import stat
import struct
import sys
import unicodedata

try:
    import zstandard
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
except ImportError as missing:
    sys.exit(f"reader.py: the Python module {missing.name} is missing. "
             "On Debian: apt-get install python3-zstandard python3-cryptography python3-argon2")

CHUNK = 65536
FRAME_MAX = 1 << 24
WHOLE_MAX = 64 << 20
DIFFERENCE = 0x800000  # the bit of an item's length that says that its base follows
PACK_TRAILER = 32
INDEX_TRAILER = 40
CACHED_FRAMES = 24  # of at most 4 MiB each


class Problem(Exception):
    exit_code = 1


class Damaged(Problem):
    """Bytes are not what they must be, or are not there at all."""


class TooNew(Problem):
    exit_code = 4


class WrongKey(Problem):
    exit_code = 3


def require(condition, what):
    if not condition:
        raise Damaged(what)


# ---- CRC-32C, HMAC, HKDF, GCM [1, 3]


def times(a, b):
    """The product of two polynomials modulo CRC-32C's; bit i stands for x^i."""
    product = 0
    while b:
        product ^= a if b & 1 else 0
        b >>= 1
        a <<= 1
        a ^= 0x11EDC6F41 if a >> 32 else 0
    return product


@functools.lru_cache(maxsize=4096)
def power_of_x(exponent):
    if exponent == 0:
        return 1
    half = power_of_x(exponent // 2)
    return times(times(half, half), 2 if exponent % 2 else 1)


def crc32c(data):
    """Python has no CRC-32C and a loop over bytes is slow. So the data become one large number, whose first bits are
    again and again folded onto its last ones: the first bits times x^b equal, modulo the polynomial, themselves times
    (x^b modulo the polynomial), which is a few shifts. Here the lowest bit has the highest power of x."""
    bits = 8 * len(data) + 32
    value = int.from_bytes(data, "little") ^ 0xFFFFFFFF
    while bits > 128:
        first = (bits - 32) // 2
        rest = bits - first
        head = (value & ((1 << first) - 1)) << (rest - first)
        value >>= first
        factor = power_of_x(rest)
        for power in range(32):
            if factor >> power & 1:
                value ^= head >> power
        bits = rest
    for _ in range(bits - 32):
        value = (value ^ 0x105EC76F1 if value & 1 else value) >> 1
    return value ^ 0xFFFFFFFF


def mac(key, data):
    return hmac.new(key, data, hashlib.sha256).digest()


def expand(prk, info, length=32):
    output, block = b"", b""
    while len(output) < length:
        block = mac(prk, block + info + bytes([len(output) // 32 + 1]))
        output += block
    return output[:length]


def decrypt(key, offset, ciphertext, aad, what):
    try:
        return AESGCM(key).decrypt(struct.pack(">IQ", 0, offset), ciphertext, aad)
    except (InvalidTag, ValueError):
        raise Damaged(f"{what}: the ciphertext does not authenticate") from None


def check_tag(key, offset, tag, signed, name):
    """What a trailer says must be what a holder of the key wrote [5, 7]."""
    decrypt(key, offset, tag, signed, f"{name}, its trailer")


def number(data):
    return int.from_bytes(data, "big")


# ---- Objects [2], credentials and key slots [3]


class Folder:
    """A store that is a local folder; objects are read by name and never written."""

    def __init__(self, path):
        self.path = path

    def names(self, folder):
        """The ids that a folder has, as hex; a folder that is not there has none."""
        try:
            found = os.listdir(os.path.join(self.path, folder))
        except FileNotFoundError:
            return []
        return sorted(name for name in found if re.fullmatch("[0-9a-f]{32}", name))

    def size(self, name):
        try:
            return os.stat(os.path.join(self.path, name)).st_size
        except OSError as e:
            raise Damaged(f"{name}: {e.strerror}") from None

    def made(self, name):
        try:
            return os.stat(os.path.join(self.path, name)).st_mtime_ns
        except OSError:
            return 0

    def read(self, name, offset=0, length=None):
        try:
            path = os.path.join(self.path, name)
            # A pipe would never open; links lead who knows where.
            if not stat.S_ISREG(os.lstat(path).st_mode):
                raise Damaged(f"{name}: no file")
            with open(path, "rb") as file:
                file.seek(offset)
                # What is read whole is small; junk may be as large as it likes.
                data = file.read(WHOLE_MAX + 1) if length is None else file.read(length)
        except OSError as e:
            raise Damaged(f"{name}: {e.strerror}") from None
        if length is None and len(data) > WHOLE_MAX:
            raise Damaged(f"{name}: longer than {WHOLE_MAX} bytes")
        if length is not None and len(data) != length:
            raise Damaged(f"{name}: shorter than {offset + length} bytes")
        return data


def check_header(data, name, kinds, version_max=1):
    """Returns the object's kind, after the checks that [2] names."""
    require(len(data) >= 32, f"{name}: shorter than a header")
    require(data[:8] == b"STILLPNT", f"{name}: not a Stillpoint object")
    require(crc32c(data[:28]) == number(data[28:32]), f"{name}: its header's checksum differs")
    kind, version = chr(data[8]), data[9]
    if version > version_max:
        raise TooNew(f"{name}: of version {version}, this reader knows up to {version_max}")
    require(version >= 1 and data[10:12] == bytes(2), f"{name}: its header is damaged")
    require(kind in kinds, f"{name}: of kind {kind}, expected {kinds}")
    require(name == "vault" or data[12:28].hex() == name.rpartition("/")[2], f"{name}: is another object's content")
    return kind


def check_end(data, name):
    require(len(data) >= 36 and crc32c(data[:-4]) == number(data[-4:]), f"{name}: its checksum differs")


def key_file_secret(text):
    """The secret of a key file, or of the five lines of a recovery sheet [3.1]."""
    lines = text.split()
    if lines[:1] == ["stillpoint-key-1"]:
        require(len(lines) == 3 and re.fullmatch("[0-9a-fA-F]{64}", lines[1]), "the key file is damaged")
        secret = bytes.fromhex(lines[1])
        require(lines[2].lower() == f"{crc32c(secret):08x}", "the key file is damaged: its checksum differs")
        return secret
    found = {}
    for line in text.splitlines():
        line = re.sub(r"\s", "", line).upper().replace("O", "0").replace("I", "1").replace("L", "1").lower()
        if re.fullmatch("[1-4][0-9a-f]{20}", line):
            eight = bytes.fromhex(line[1:17])
            check = crc32c(bytes([int(line[0])]) + eight) & 0xFFFF
            require(line[17:] == f"{check:04x}", f"line {line[0]} of the recovery sheet has a typing error")
            found[line[0]] = eight
        elif re.fullmatch("5[0-9a-f]{8}", line):
            found["5"] = line[1:]
    require(sorted(found) == list("12345"), "neither a key file nor the five lines of a recovery sheet")
    secret = b"".join(found[n] for n in "1234")
    require(found["5"] == f"{crc32c(secret):08x}", "the recovery sheet's last line does not fit the others")
    return secret


def passphrase_secret(passphrase, salt, memory, iterations, parallelism):
    try:
        from argon2.low_level import Type, hash_secret_raw
    except ImportError:
        raise Problem("a passphrase needs the package python3-argon2 (argon2-cffi): install it") from None
    text = unicodedata.normalize("NFC", passphrase).encode()
    return hash_secret_raw(text, salt, iterations, memory, parallelism, 32, Type.ID, version=0x13)


Slot = collections.namedtuple("Slot", "name type label header salt costs check wrapped whole")
SLOT_TYPES = {1: "key file", 2: "passphrase"}


def read_slot(name, data):
    require(len(data) <= 4096, f"{name}: too large for a key slot")
    check_header(data, name, "K")
    check_end(data, name)
    kind, label_length = data[32], data[33]
    if kind not in SLOT_TYPES:
        raise TooNew(f"{name}: a key slot of type {kind}")
    require(len(data) == 252 and data[34:36] == bytes(2), f"{name}: damaged")
    memory, iterations, parallelism = struct.unpack(">III", data[36:48])
    if kind == 1:
        require(memory == iterations == parallelism == 0, f"{name}: damaged")
    elif not (1 <= parallelism <= 16 and 1 <= iterations <= 16 and 8 * parallelism <= memory <= 262144):
        raise TooNew(f"{name}: needs more memory or time for its passphrase than this reader takes")
    label = data[88:152]
    require(label_length <= 64 and not any(label[label_length:]), f"{name}: damaged")
    text = label[:label_length].decode("utf-8", "replace")
    costs = (memory, iterations, parallelism)
    return Slot(name, kind, text, data[:32], data[56:88], costs, data[152:168], data[168:216], data)


def unwrap(slot, vault_id, credential_type, credential):
    """The master key, or None if the slot is another credential's."""
    if slot.type != credential_type:
        return None
    secret = credential if slot.type == 1 else passphrase_secret(credential, slot.salt, *slot.costs)
    kek = expand(mac(slot.salt, secret), b"stillpoint slot" + vault_id, 64)
    if not hmac.compare_digest(mac(kek[32:], slot.header)[:16], slot.check):
        return None
    master = decrypt(kek[:32], 0, slot.wrapped, slot.whole[:168], slot.name)
    slot_key = expand(mac(vault_id, master), b"stillpoint key slot")
    require(mac(slot_key, slot.whole[:216]) == slot.whole[216:248], f"{slot.name}: its signature differs")
    return master


def slots_to_try(store):
    """The oldest, the youngest, the oldest but one [3.1]: who only adds to a store makes no object older than others."""
    names = sorted(store.names("keys"), key=lambda name: store.made("keys/" + name))
    while names:
        yield names.pop(0)
        if names:
            yield names.pop()


def open_master_key(store, vault_id, credential_type, credential):
    damaged = too_new = None
    types = set()
    work = 64 * 16 * 262144  # what passphrase slots may cost together: some minutes
    for slot_id in slots_to_try(store):
        try:
            slot = read_slot("keys/" + slot_id, store.read("keys/" + slot_id))
            types.add(slot.type)
            work -= slot.costs[0] * slot.costs[1] if slot.type == credential_type else 0
            require(work >= 0, "too many key slots for passphrases: somebody else writes into this store")
            master = unwrap(slot, vault_id, credential_type, credential)
            if master:
                return master
        except Damaged as e:
            damaged = damaged or e
        except TooNew as e:
            too_new = too_new or e
    if damaged or too_new:
        raise damaged or too_new
    if credential_type not in types:
        raise WrongKey(f"this vault opens with no {SLOT_TYPES[credential_type]}")
    raise WrongKey(f"this {SLOT_TYPES[credential_type]} is not one of this vault's")


# ---- The vault


Entry = collections.namedtuple("Entry", "id pack frame_offset frame_length item_offset item_length")
Item = collections.namedtuple("Item", "id length base")  # base: of a difference, else None
Node = collections.namedtuple("Node", "level children")  # children: position -> id


class Vault:
    def __init__(self, path, credential_type, credential, use_index=True):
        self.store = Folder(path)
        if not os.path.isfile(os.path.join(path, "vault")):
            raise Damaged(f"{path}: there is no vault here (no file named vault)")
        data = self.store.read("vault")
        check_header(data, "vault", "V")
        require(len(data) == 84, "vault: damaged")
        check_end(data, "vault")
        vault_id = data[12:28]
        master = open_master_key(self.store, vault_id, credential_type, credential)
        self.prk = mac(vault_id, master)
        require(mac(expand(self.prk, b"stillpoint header"), data[:48]) == data[48:80], "vault: its signature differs")
        if data[32:40] != bytes([1, 1, 1, 16, 6, 0, 0, 0]):
            raise TooNew("vault: made with algorithms that this reader does not know")
        self.id_keys = {
            "D": expand(self.prk, b"stillpoint chunk id"),
            "M": expand(self.prk, b"stillpoint node id"),
        }
        self.record_key = expand(self.prk, b"stillpoint record")
        self.executed = self.executed_packs()
        self.segments = list(self.readable_segments()) if use_index else []
        self.frames = collections.OrderedDict()

    def object_key(self, kind, object_id):
        return expand(self.prk, b"stillpoint object" + kind.encode() + bytes.fromhex(object_id))

    # -- records [9]

    def record(self, name, kind):
        data = self.store.read(name)
        check_header(data, name, kind)
        check_end(data, name)
        length = number(data[32:36])
        require(len(data) == 36 + length + 36, f"{name}: damaged")
        require(mac(self.record_key, data[:-36]) == data[-36:-4], f"{name}: its signature differs")
        return parse_json(data[36:-36], name)

    def records(self, folder, kind):
        """(id, record) of each record of a folder; what no holder of the key made is told and means nothing."""
        for record_id in self.store.names(folder):
            try:
                yield record_id, self.record(f"{folder}/{record_id}", kind)
            except Problem as e:
                tell(e)

    def executed_packs(self):
        return {pack for _, record in self.records("executed", "E") for pack in record.get("packs", [])}

    # -- packs [5]

    def pack_kind(self, pack):
        return pack_header(self.store, pack)

    def frame(self, kind, object_id, name, data, offset, plain_max=FRAME_MAX - 1):
        """The plain bytes of a frame, whose bytes `data` stood at `offset` of the object."""
        require(len(data) >= 32, f"{name}: no frame at {offset}")
        stored, plain, method = struct.unpack(">IIB", data[:9])
        require(stored + 16 == len(data) and data[9:12] == bytes(3), f"{name}: the frame at {offset} is damaged")
        require(plain <= plain_max and method <= 1, f"{name}: the frame at {offset} is damaged")
        where = f"{name}, frame at {offset}"
        payload = decrypt(self.object_key(kind, object_id), offset, data[16:], data[:12], where)
        payload = decompress(payload, plain, where) if method == 1 else payload
        require(len(payload) == plain, f"{where}: not as long as it says")
        return payload

    def pack_frame(self, pack, offset, length):
        key = (pack, offset)
        if key not in self.frames:
            name = "packs/" + pack
            data = self.store.read(name, offset, length)
            self.frames[key] = self.frame(self.pack_kind(pack), pack, name, data, offset)
            if len(self.frames) > CACHED_FRAMES:
                self.frames.popitem(last=False)
        self.frames.move_to_end(key)
        return self.frames[key]

    def directory(self, pack):
        """The groups of a pack: (frame offset, frame length, [Item])."""
        name = "packs/" + pack
        kind = self.pack_kind(pack)
        size = self.store.size(name)
        require(size >= 32 + PACK_TRAILER, f"{name}: truncated")
        at = size - PACK_TRAILER
        trailer = self.store.read(name, at, PACK_TRAILER)
        require(crc32c(trailer[:-4]) == number(trailer[-4:]), f"{name}: its trailer is damaged or cut off")
        offset, length, frames = struct.unpack(">III", trailer[:12])
        require(offset >= 32 and offset + length == at, f"{name}: its trailer is damaged")
        check_tag(self.object_key(kind, pack), at, trailer[12:28], self.store.read(name, 0, 32) + trailer[:12], name)
        plain = self.frame(kind, pack, name, self.store.read(name, offset, length), offset)
        groups, at = [], 0
        while at < len(plain):
            require(at + 8 <= len(plain), f"{name}: its directory is damaged")
            frame_offset, frame_length, count = number(plain[at : at + 4]), number(plain[at + 4 : at + 7]), plain[at + 7]
            at += 8
            items = []
            for _ in range(count):
                require(at + 35 <= len(plain), f"{name}: its directory is damaged")
                item_id, item_length, base = plain[at : at + 32], number(plain[at + 32 : at + 35]), None
                at += 35
                if item_length & DIFFERENCE:
                    item_length &= ~DIFFERENCE
                    require(at + 32 <= len(plain), f"{name}: its directory is damaged")
                    base = plain[at : at + 32]
                    at += 32
                items.append(Item(item_id, item_length, base))
            groups.append((frame_offset, frame_length, items))
        require(len(groups) == frames, f"{name}: its directory has {len(groups)} frames, its trailer {frames}")
        return groups

    # -- index [7]

    def readable_segments(self):
        for segment_id in self.store.names("index"):
            try:
                yield Segment(self, segment_id)
            except Problem as e:
                tell(e)  # its packs are then read through their directories

    @functools.cached_property
    def unlisted(self):
        """Places of the items of all packs that no segment lists: id -> [Entry]."""
        listed = {pack for segment in self.segments for pack in segment.packs}
        found = collections.defaultdict(list)
        for pack in self.store.names("packs"):
            if pack not in listed and pack not in self.executed:
                self.add_entries(pack, found)
        return found

    @functools.cached_property
    def hidden(self):
        """As `unlisted`, of packs that a verdict deletes and that are there all the same."""
        found = collections.defaultdict(list)
        for pack in self.store.names("packs"):
            if pack in self.executed:
                self.add_entries(pack, found)
        return found

    def add_entries(self, pack, found):
        try:
            for entry in entries(pack, self.directory(pack)):
                found[entry.id].append(entry)
        except Problem as e:
            tell(e)

    def places(self, item_id):
        found = [e for segment in self.segments for e in segment.find(item_id) if e.pack not in self.executed]
        found = found or self.unlisted.get(item_id, [])
        if not found:  # an old verdict that somebody put back must not hide what is there
            found = [e for segment in self.segments for e in segment.find(item_id)] + self.hidden.get(item_id, [])
        return found

    # -- items [4]

    def item(self, item_id, kind, may_be_difference=True):
        """The bytes of a chunk (kind D) or node (M), from the first of its places that is whole."""
        problem = Damaged(f"{'chunk' if kind == 'D' else 'node'} {item_id.hex()} is in no pack")
        for entry in sorted(self.places(item_id), key=lambda e: -e.item_length):
            try:
                frame = self.pack_frame(entry.pack, entry.frame_offset, entry.frame_length)
                data = frame[entry.item_offset : entry.item_offset + entry.item_length]
                name = f"packs/{entry.pack}, frame at {entry.frame_offset}"
                require(len(data) == entry.item_length, f"{name}: shorter than the index says")
                require(self.pack_kind(entry.pack) == kind, f"{name}: in a pack of another kind")
                return self.whole(item_id, kind, data, name, may_be_difference)
            except Problem as e:
                problem = e
        raise problem

    def whole(self, item_id, kind, data, name, may_be_difference=True):
        """Checks an item against its id; a difference is made whole first [5]."""
        if kind == "D" and len(data) < CHUNK:
            require(may_be_difference, f"{name}: a difference from a difference")
            require(len(data) >= 32, f"{name}: a difference without a base")
            base = self.item(data[:32], "D", may_be_difference=False)
            data = decompress(data[32:], CHUNK, name, base)
        require(kind != "D" or len(data) == CHUNK, f"{name}: a chunk of {len(data)} bytes")
        require(mac(self.id_keys[kind], data) == item_id, f"{name}: an item that is not what its id says")
        return data

    # -- points [8] and block trees [6]

    def points(self):
        """(id, point, whether it is forgotten), oldest first; what can't be read is told and left out."""
        forgotten = self.forgotten()
        found = []
        for point_id in self.store.names("points"):
            try:
                point = self.point(point_id)
                if point:
                    found.append((point_id, point, point_id in forgotten))
            except Problem as e:
                tell(e)
        return sorted(found, key=order)

    def forgotten(self):
        """Ids of points whose forgotten record is genuine and was not undone [9]."""
        undone = {(r.get("point"), r.get("forgetting")) for _, r in self.records("undone", "U")}
        return {i for i, r in self.records("forgotten", "F") if (i, r.get("forgetting")) not in undone}

    def point(self, point_id):
        name = "points/" + point_id
        data = self.store.read(name)
        if check_header(data, name, "PR") == "R":
            self.record(name, "R")  # only a holder of the key can revoke a point
            return None
        check_end(data, name)
        require(len(data) == 36 + number(data[32:36]) + 4, f"{name}: damaged")
        plain = decrypt(self.object_key("P", point_id), 32, data[36:-4], data[:32], name)
        return checked_point(parse_json(plain, name), name)

    def node(self, node_id, level, first, chunks):
        """The node at `level` whose first chunk is `first`, of a disk of `chunks` chunks."""
        data = self.item(node_id, "M")
        what = f"node {node_id.hex()}"
        require(len(data) >= 16 and data[0] == level and data[1:8] == bytes(7), f"{what}: damaged")
        present = number(data[8:16])
        at = [i for i in range(64) if present >> i & 1]
        require(at and len(data) == 16 + 32 * len(at), f"{what}: damaged")
        require(first + at[-1] * 64**level < chunks, f"{what}: has children behind the disk's end")
        return Node(level, {p: data[16 + 32 * n : 48 + 32 * n] for n, p in enumerate(at)})

    def chunk_ids(self, disk):
        """(number, id) of each chunk of a disk that is not zeros, in order."""
        if disk.get("root") is None:
            return
        chunks = -(-disk["size"] // CHUNK)
        level = 0
        while 64 ** (level + 1) < chunks:
            level += 1
        stack = [(bytes.fromhex(disk["root"]), level, 0)]
        while stack:
            item_id, level, first = stack.pop()
            if level < 0:
                yield first, item_id
                continue
            node = self.node(item_id, level, first, chunks)
            for position in sorted(node.children, reverse=True):
                stack.append((node.children[position], level - 1, first + position * 64**level))


class Segment:
    def __init__(self, vault, segment_id):
        self.vault, self.id, self.name = vault, segment_id, "index/" + segment_id
        size = vault.store.size(self.name)
        check_header(vault.store.read(self.name, 0, 32), self.name, "I")
        require(size >= 4096 + INDEX_TRAILER, f"{self.name}: truncated")
        end = size - INDEX_TRAILER
        trailer = vault.store.read(self.name, end, INDEX_TRAILER)
        require(crc32c(trailer[:-4]) == number(trailer[-4:]), f"{self.name}: its trailer is damaged or cut off")
        signed = vault.store.read(self.name, 0, 32) + trailer[:20]
        check_tag(vault.object_key("I", segment_id), end, trailer[20:36], signed, self.name)
        self.entries, packs, self.blocks, self.whole_crc = struct.unpack(">QIII", trailer[:20])
        require(self.blocks == -(-self.entries // 85), f"{self.name}: its trailer is damaged")
        at, tables = 4096 + 4096 * self.blocks, b""
        require(at <= end, f"{self.name}: its trailer is damaged")
        while at < end:
            length = 16 + number(vault.store.read(self.name, at, 4))
            require(at + length <= end, f"{self.name}: its tables are damaged")
            tables += vault.frame("I", segment_id, self.name, vault.store.read(self.name, at, length), at)
            at += length
        filters = len(tables) - 16 * packs - 8 * self.blocks  # not needed here: they only spare reads of blocks
        require(filters in (0, 128 * self.blocks), f"{self.name}: its tables are damaged")
        self.packs = [tables[16 * i : 16 * i + 16].hex() for i in range(packs)]
        self.fences = struct.unpack_from(f">{self.blocks}Q", tables, 16 * packs)
        self.block = functools.lru_cache(maxsize=1024)(self.read_block)

    def read_block(self, position):
        offset = 4096 + 4096 * position
        data = self.vault.store.read(self.name, offset, 4096)
        plain = decrypt(self.vault.object_key("I", self.id), offset, data, None, f"{self.name}, block {position}")
        count = min(85, self.entries - 85 * position)
        require(not any(plain[48 * count :]), f"{self.name}, block {position}: damaged")
        return [self.entry(plain[48 * i : 48 * i + 48]) for i in range(count)]

    def entry(self, e):
        pack = number(e[32:36])
        require(pack < len(self.packs), f"{self.name}: an entry of a pack that it does not list")
        lengths = number(e[40:43]), number(e[43:46]), number(e[46:48]) + 1
        return Entry(e[:32], self.packs[pack], number(e[36:40]), *lengths)

    def find(self, item_id):
        """All places of an item; those with the same first 8 bytes may begin in the block before their fence's."""
        prefix = number(item_id[:8])
        first = max(0, bisect.bisect_left(self.fences, prefix) - 1)
        found = []
        for position in range(first, bisect.bisect_right(self.fences, prefix)):
            try:
                found += [e for e in self.block(position) if e.id == item_id]
            except Problem as e:
                tell(e)
        return found


def pack_header(store, pack, known={}):
    """A pack's kind."""
    if pack not in known:
        name = "packs/" + pack
        known[pack] = check_header(store.read(name, 0, 32), name, "DM")
    return known[pack]


def entries(pack, groups):
    """A pack's items as the index has them."""
    for frame_offset, frame_length, items in groups:
        at = 0
        for item in items:
            yield Entry(item.id, pack, frame_offset, frame_length, at, item.length)
            at += item.length


def decompress(payload, length, where, base=None):
    try:
        require(zstandard.frame_content_size(payload) in (-1, length), f"{where}: not as long as it says")
        raw = base and zstandard.ZstdCompressionDict(base, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
        plain = zstandard.ZstdDecompressor(dict_data=raw).decompress(payload, max_output_size=length)
    except zstandard.ZstdError as e:
        raise Damaged(f"{where}: {e}") from None
    require(len(plain) == length, f"{where}: not as long as it says")
    return plain


def parse_json(data, name):
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise Damaged(f"{name}: not JSON, or nested too deeply") from None


def checked_point(point, name):
    """Has what is read of it, as section 8 says: a holder of the key may have made anything."""
    try:
        vm, lineage, origin = point["vm"]["name"], point.get("lineage", {}), point.get("copiedFrom", {})
        instant(point["snapshotAt"])
        texts = [vm, point["snapshotAt"], point["consistency"], origin.get("point", "")]
        names = [disk["name"] for disk in point["disks"]]
        for disk in point["disks"]:
            require(type(disk["size"]) is int and 0 <= disk["size"] <= 1 << 60, f"{name}: a disk has no size")
            require(len(bytes.fromhex(disk.get("root") or "00" * 32)) == 32, f"{name}: a disk has no root")
        require(type(lineage.get("ordinal", 0)) is int, f"{name}: its ordinal is no number")
        require(all(type(text) is str for text in texts + names), f"{name}: a name is no text")
        require(len(set(names)) == len(names), f"{name}: two disks of one name")
    except (AttributeError, KeyError, TypeError, ValueError):
        raise Damaged(f"{name}: not a recovery point") from None
    return point


def shown(text):
    """As it can't move a terminal's cursor, set its title or turn its order round."""
    hostile = ("C", "Zl", "Zp")
    return "".join(
        c.encode("unicode_escape").decode() if unicodedata.category(c).startswith(hostile) else c for c in str(text)
    )


def order(found):
    """Where a point stands among all [8]: by VM, lineage, id of the original; by time only where there is no lineage."""
    point_id, point, _ = found
    ordinal = point.get("lineage", {}).get("ordinal", 0)
    time = instant(point["snapshotAt"]) if ordinal == 0 else ("", "")
    return point["vm"]["name"], ordinal, time, point.get("copiedFrom", {}).get("point", point_id), point_id


def instant(text):
    """For the order of points; the fraction may have up to nine digits."""
    whole, _, fraction = text.rstrip("Z").partition(".")
    return datetime.datetime.fromisoformat(whole), fraction.ljust(9, "0")


told = set()


def tell(problem):
    """Each problem once: the same damage may be met again and again."""
    if str(problem) not in told:
        told.add(str(problem))
        print(f"reader: {shown(problem)}", file=sys.stderr)


# ---- Commands


def list_points(vault):
    for point_id, point, forgotten in vault.points():
        for disk in point["disks"]:
            columns = [point_id, point["snapshotAt"], point["vm"]["name"], disk["name"], disk["size"]]
            columns.append("forgotten" if forgotten else point["consistency"])
            print(*map(shown, columns), sep="\t")


def restore(vault, wanted, disk_name, target):
    found = [p for p in vault.points() if p[0].startswith(wanted)]
    if len(found) != 1:
        raise Problem(f"{len(found)} points have an id that begins with {wanted}")
    disks = [d for d in found[0][1]["disks"] if d["name"] == disk_name]
    if not disks:
        raise Problem(f"point {found[0][0]} has no disk {disk_name}")
    disk = disks[0]
    with open(target, "xb") as file:
        file.truncate(disk["size"])
        for position, chunk_id in vault.chunk_ids(disk):
            file.seek(position * CHUNK)
            file.write(vault.item(chunk_id, "D")[: disk["size"] - position * CHUNK])
        file.flush()
        os.fsync(file.fileno())
    print(shown(f"{target}: disk {disk_name} of {found[0][0]}, {disk['size']} bytes, each chunk checked"))


def verify(vault):
    """Every object's structure, checksums, decryption and ids, then every point's reach."""
    for folder, kind in zip("sessions forgotten undone condemned executed quarantine".split(), "SFUCEQ"):
        for record_id in vault.store.names(folder):
            attempt(vault.record, f"{folder}/{record_id}", kind)
    for slot_id in vault.store.names("keys"):
        attempt(lambda name: read_slot(name, vault.store.read(name)), "keys/" + slot_id)
    indexed = collections.defaultdict(set)
    for segment in vault.segments:
        attempt(verify_segment, segment, indexed)
    good = {"D": set(), "M": set()}
    listed = {pack for segment in vault.segments for pack in segment.packs}
    for pack in sorted(set(vault.store.names("packs")) - vault.executed):
        attempt(verify_pack, vault, pack, good, indexed[pack], pack in listed)
    points = vault.points()
    for point_id, point, _ in points:
        for disk in point["disks"]:
            attempt(verify_disk, vault, point_id, disk, good["D"])
    count = sum(map(len, good.values()))
    print(f"{len(points)} points, {count} items, {len(vault.segments)} index segments; {len(told)} problems")
    return 1 if told else 0


def attempt(check, *arguments):
    try:
        check(*arguments)
    except Problem as e:
        tell(e)


def verify_segment(segment, indexed):
    data = segment.vault.store.read(segment.name)
    require(crc32c(data[:-INDEX_TRAILER]) == segment.whole_crc, f"{segment.name}: its checksum differs")
    require(not any(data[32:4096]), f"{segment.name}: bytes behind its header")
    before = b""
    for position, fence in enumerate(segment.fences):
        block = segment.block(position)
        require(number(block[0].id[:8]) == fence, f"{segment.name}: a fence is wrong")
        for entry in block:
            require(before <= entry.id, f"{segment.name}: entries are not in order")
            before = entry.id
            indexed[entry.pack].add(entry)


def verify_pack(vault, pack, good, indexed, listed):
    name, kind = "packs/" + pack, vault.pack_kind(pack)
    groups = vault.directory(pack)
    at = 32
    for offset, length, items in groups:
        require(offset == at, f"{name}: a gap before {offset}")
        at += length
        attempt(verify_frame, vault, pack, offset, length, items, good[kind])
    size = vault.store.size(name)
    directory = vault.store.read(name, at, size - PACK_TRAILER - at)
    require(crc32c(directory[:12] + directory[16:]) == number(directory[12:16]), f"{name}: its directory is damaged")
    require(at == number(vault.store.read(name, size - PACK_TRAILER, 4)), f"{name}: a gap before its directory")
    require(not listed or indexed == set(entries(pack, groups)), f"{name}: the index says otherwise")


def verify_frame(vault, pack, offset, length, items, good):
    name, kind = f"packs/{pack}, frame at {offset}", vault.pack_kind(pack)
    data = vault.store.read("packs/" + pack, offset, length)
    require(crc32c(data[:12] + data[16:]) == number(data[12:16]), f"{name}: its checksum differs")
    plain = vault.frame(kind, pack, "packs/" + pack, data, offset, plain_max=4 << 20)
    require(sum(item.length for item in items) == len(plain), f"{name}: not as long as its items")
    at = 0
    for item in items:
        stored = plain[at : at + item.length]
        is_difference = kind == "D" and item.length < CHUNK
        require(item.base == (stored[:32] if is_difference else None), f"{name}: the directory names another base")
        whole = vault.whole(item.id, kind, stored, name)
        require(kind == "M" or any(whole), f"{name}: a chunk of zeros")
        good.add(item.id)
        at += item.length


def verify_disk(vault, point_id, disk, good):
    what = f"points/{point_id}, disk {disk['name']}"
    try:
        missing = [position for position, chunk_id in vault.chunk_ids(disk) if chunk_id not in good]
    except Problem as e:
        raise Damaged(f"{what}: {e}") from None
    require(not missing, f"{what}: {len(missing)} chunks are damaged or missing, the first at {missing[:1]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("vault", metavar="VAULT")
    key = parser.add_mutually_exclusive_group(required=True)
    key.add_argument("--key-file", metavar="FILE")
    key.add_argument("--passphrase", action="store_true", help="is asked for")
    key.add_argument("--passphrase-file", metavar="FILE", help="its first line")
    parser.add_argument("--no-index", action="store_true")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list")
    commands.add_parser("verify")
    restoring = commands.add_parser("restore")
    for name in "point", "disk", "file":
        restoring.add_argument(name, metavar=name.upper())
    args = parser.parse_args()
    try:
        if args.key_file:
            with open(args.key_file, encoding="utf-8") as file:
                credential = 1, key_file_secret(file.read())
        elif args.passphrase_file:
            with open(args.passphrase_file, encoding="utf-8") as file:
                credential = 2, file.readline().rstrip("\r\n")
        else:
            credential = 2, getpass.getpass("Passphrase: ")
        vault = Vault(args.vault, *credential, use_index=not args.no_index)
        if args.command == "list":
            list_points(vault)
        elif args.command == "verify":
            return verify(vault)
        else:
            restore(vault, args.point, args.disk, args.file)
        return 0
    except Problem as e:
        tell(e)
        return e.exit_code
    except OSError as e:
        tell(e)
        return 1


if __name__ == "__main__":
    sys.exit(main())
