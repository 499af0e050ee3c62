package io.stillpoint.vault.store;

/// Where an object lies in a store.
///
/// @param area the folder
/// @param id the name in it; the area [Area#VAULT] has one object, whose name has no id
public record ObjectName(Area area, ObjectId id) {
    private static final ObjectId NO_ID = new ObjectId(0, 0);

    /// The folders of a vault (section 2 of the format).
    public enum Area {
        VAULT("vault"),
        KEYS("keys"),
        PACKS("packs"),
        INDEX("index"),
        POINTS("points"),
        SESSIONS("sessions"),
        FORGOTTEN("forgotten"),
        UNDONE("undone"),
        CONDEMNED("condemned"),
        EXECUTED("executed"),
        QUARANTINE("quarantine");

        private final String folder;

        Area(String folder) {
            this.folder = folder;
        }

        public String folder() {
            return folder;
        }
    }

    /// The name of the vault's one header object.
    public static ObjectName vault() {
        return new ObjectName(Area.VAULT, NO_ID);
    }

    /// The path in the store, parts separated by `/`.
    @Override
    public String toString() {
        return area == Area.VAULT ? area.folder : area.folder + "/" + id;
    }
}
