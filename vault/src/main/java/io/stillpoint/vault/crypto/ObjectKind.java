package io.stillpoint.vault.crypto;

import io.stillpoint.vault.store.ObjectName.Area;

/// What an object is: the letter in its header (section 2 of the format).
public enum ObjectKind {
    VAULT('V', Area.VAULT),
    KEY_SLOT('K', Area.KEYS),
    DATA_PACK('D', Area.PACKS),
    METADATA_PACK('M', Area.PACKS),
    INDEX('I', Area.INDEX),
    POINT('P', Area.POINTS),
    REVOKED_POINT('R', Area.POINTS),
    SESSION('S', Area.SESSIONS),
    FORGOTTEN_POINT('F', Area.FORGOTTEN),
    UNDONE_FORGETTING('U', Area.UNDONE),
    CONDEMNED_PACKS('C', Area.CONDEMNED),
    EXECUTED_PACKS('E', Area.EXECUTED),
    QUARANTINED_FRAMES('Q', Area.QUARANTINE),
    CATALOGUE_ENTRY('L', Area.CATALOGUE);

    private final byte letter;
    private final Area area;

    ObjectKind(char letter, Area area) {
        this.letter = (byte) letter;
        this.area = area;
    }

    public byte letter() {
        return letter;
    }

    public Area area() {
        return area;
    }
}
