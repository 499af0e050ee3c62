package io.stillpoint.hypervisor.qemu;

import io.stillpoint.platform.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// What a disk's content lies in, and whether nobody else can write it: the two things that a record of changes
/// says nothing about.
///
/// @param files one for each file, as it goes into the recovery point: `path`, `device`, `inode`; for those that are
///     only read also `size` and `changed`
/// @param isGuarded whether QEMU holds each file locked against other writers. Not so for disks opened shareable,
///     with locking switched off, behind a network protocol, or where this can't be seen
record ImageFacts(ArrayNode files, boolean isGuarded) {
    private static final Set<String> LOCAL = Set.of("file", "host_device");

    /// @param node the disk's node
    static ImageFacts of(BlockGraph graph, String node, Optional<QemuRun> process) {
        ArrayNode files = Json.array();
        List<BlockGraph.Leaf> leaves = graph.leaves(node);
        boolean isGuarded = process.isPresent() && !leaves.isEmpty();
        for (BlockGraph.Leaf leaf : leaves) {
            ObjectNode file =
                    files.addObject()
                            .put("node", leaf.node())
                            .put(
                                    "path",
                                    // That of a network protocol may hold a password.
                                    SecretMask.apply(
                                            process.map(each -> each.absolute(leaf.file()))
                                                    .orElse(leaf.file())));
            if (!LOCAL.contains(leaf.driver()) || process.isEmpty()) {
                isGuarded = false;
                continue;
            }
            Path path = process.get().file(leaf.file());
            Optional<FileId> id = FileId.of(path);
            if (id.isEmpty()) {
                isGuarded = false;
                continue;
            }
            file.put("device", id.get().device()).put("inode", id.get().inode());
            if (leaf.readOnly()) {
                isGuarded &= noteChange(file, path);
            }
            isGuarded &= process.get().keepsOthersFromWriting(id.get());
        }
        return new ImageFacts(files, isGuarded);
    }

    /// A file that is only read must not change at all; the moment of its last change can't be set back.
    private static boolean noteChange(ObjectNode file, Path path) {
        try {
            file.put("size", Files.size(path))
                    .put("changed", String.valueOf(Files.getAttribute(path, "unix:ctime")));
            return true;
        } catch (IOException e) {
            return false;
        }
    }
}
