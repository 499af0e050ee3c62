package io.stillpoint.vault.store;

import java.util.Arrays;

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
        QUARANTINE("quarantine"),
        CATALOGUE("catalogue");

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

    /// Whether an object of this path in a store would be one of a vault.
    public static boolean isOurs(String path) {
        if (path.equals(Area.VAULT.folder)) {
            return true;
        }
        int slash = path.indexOf('/');
        return slash > 0
                && path.substring(slash + 1).matches("[0-9a-f]{32}")
                && Arrays.stream(Area.values())
                        .anyMatch(area ->
                                area != Area.VAULT && area.folder.equals(path.substring(0, slash)));
    }

    /// The path in the store, parts separated by `/`.
    @Override
    public String toString() {
        return area == Area.VAULT ? area.folder : area.folder + "/" + id;
    }
}
