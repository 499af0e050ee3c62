package io.stillpoint.guest.extension;

import io.stillpoint.guest.GuestAgent;
import io.stillpoint.guest.GuestException;
import io.stillpoint.guest.extension.Ensured.Done;
import io.stillpoint.guest.extension.Ensured.Ready;
import io.stillpoint.guest.extension.Ensured.Unavailable;
import io.stillpoint.guest.extension.ExtensionException.Kind;
import io.stillpoint.platform.Randomness;
import io.stillpoint.platform.text.Printable;
import io.stillpoint.platform.text.Text;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/// Sees to it that guests have their extension, in its newest version and whole (`docs/extensions.md`). What was cut off, by a
/// reboot of the guest or by an agent that went away, the next call finds and brings to its end.
///
/// The agent must not be in its frozen state. Safe for several threads with different agents.
public final class ExtensionKeeper {
    private static final List<String> EXEC = List.of("guest-exec", "guest-exec-status");
    private static final List<String> FILES =
            List.of(
                    "guest-file-open",
                    "guest-file-read",
                    "guest-file-write",
                    "guest-file-flush",
                    "guest-file-close");
    private static final String FREEZE_STATUS = "guest-fsfreeze-status";
    private static final Duration VERIFY_MAX = Duration.ofMinutes(1);

    /// Two scripts of half an hour, run again now and then.
    private static final Duration SCRIPTS_MAX = Duration.ofHours(6);

    private final ExtensionPackages packages;
    private final ExtensionRecords records;
    private final InstantSource clock;
    private final Places places;

    public ExtensionKeeper(
            ExtensionPackages packages, ExtensionRecords records, InstantSource clock) {
        this(packages, records, clock, Places.DEFAULT);
    }

    ExtensionKeeper(
            ExtensionPackages packages,
            ExtensionRecords records,
            InstantSource clock,
            Places places) {
        this.packages = packages;
        this.records = records;
        this.clock = clock;
        this.places = places;
    }

    /// One with all that this build carries and the state folder holds, which is made when it is first needed.
    public static ExtensionKeeper in(
            Path stateFolder,
            Prerequisites.Absent absent,
            Randomness randomness,
            InstantSource clock) {
        return new ExtensionKeeper(
                new ExtensionPackages(
                        Payloads.ofBuild(),
                        new Prerequisites(stateFolder, absent),
                        () -> PackageSigner.of(stateFolder, randomness)),
                new FolderExtensionRecords(stateFolder),
                clock);
    }

    /// Installs, updates or mends the extension if need be, and records what is there. If nothing is to be done, this takes three
    /// small files and one command in the guest.
    ///
    /// Never throws [GuestException] or [ExtensionException].
    public Ensured ensure(String vm, GuestAgent agent) {
        try {
            return ready(vm, agent, false);
        } catch (GuestException | ExtensionException e) {
            return new Unavailable(e.code(), e.text());
        }
    }

    /// As [#ensure], but sends the package even if the very same is there, enables what was disabled, and throws the reason why a
    /// guest can't have it.
    public Ready install(String vm, GuestAgent agent) {
        return ready(vm, agent, true);
    }

    /// What is in the guest, recorded too; empty if no extension is. Changes nothing there.
    public Optional<InstalledExtension> find(String vm, GuestAgent agent) {
        Guest guest = new Guest(agent);
        Optional<InstalledExtension> found = guest.find();
        found.ifPresent(extension -> save(vm, extension));
        return found;
    }

    /// Puts back what the extension changed and removes everything of it, from the guest and the records. One that is broken or
    /// of another installation is made sound first, as only its own executable knows what to put back.
    ///
    /// @return whether there was one
    public boolean uninstall(String vm, GuestAgent agent) {
        Guest guest = new Guest(agent);
        Optional<InstalledExtension> found = guest.find();
        if (found.isPresent()) {
            InstalledExtension extension = found.get();
            if (extension.isBroken()) {
                extension = guest.replaced(found, guest.wanted()).extension();
            }
            extension.run("uninstall").required();
        }
        guest.folder.remove(agent);
        boolean wasKnown = records.remove(vm);
        return found.isPresent() || wasKnown;
    }

    /// Runs the guest's scripts without a freeze, as long as they may take. Throws `extension.not-installed` if the guest has no
    /// extension that this installation has put there, `extension.no-scripts` if its system knows none.
    public ScriptsTest testScripts(String vm, GuestAgent agent) {
        InstalledExtension extension =
                find(vm, agent)
                        .filter(InstalledExtension::isOurs)
                        .orElseThrow(() -> notInstalled("test-scripts"));
        if (extension.type() != ExtensionType.VM_SNAPSHOT_LINUX) {
            throw new ExtensionException(Kind.INPUT, "extension.no-scripts", null, vm);
        }
        return ScriptsTest.of(extension.run(SCRIPTS_MAX, "test-scripts"));
    }

    /// Whether a VSS writer of the VM failed lately, so that VSS is passed over in its next backup.
    public boolean passesOverVss(String vm) {
        return records.of(vm).map(ExtensionRecord::vssPassedOver).orElse(0) > 0;
    }

    /// Notes how a backup fared with VSS: after a writer failed the next three pass it over.
    ///
    /// @param wasPassedOver whether this backup was one of them
    public void noteVss(String vm, boolean wasPassedOver, boolean writerFailed) {
        records.of(vm)
                .ifPresent(record -> {
                    int left = record.vssPassedOver() - (wasPassedOver ? 1 : 0);
                    int next = writerFailed ? ExtensionRecord.VSS_PASSED_OVER_MAX : left;
                    if (next != record.vssPassedOver()) {
                        records.save(record.withVssPassedOver(Math.max(0, next)));
                    }
                });
    }

    private static Text text(String code, Object... arguments) {
        return Text.of(ExtensionKeeper.class, code, arguments);
    }

    private static ExtensionException notInstalled(String verb) {
        return new ExtensionException(
                Kind.GUEST, "extension.not-installed", null, verb, "state.json");
    }

    private Ready ready(String vm, GuestAgent agent, boolean isForced) {
        Guest guest = new Guest(agent);
        Ready ready = guest.ready(isForced);
        save(vm, ready.extension());
        Health health = ready.extension().health();
        if (health.isHealthy()) {
            return ready;
        }
        if (!health.isServing()) {
            throw new ExtensionException(
                    Kind.GUEST, "extension.unhealthy", null, health.complaint());
        }
        List<Text> warnings = new ArrayList<>(ready.warnings());
        warnings.add(text("extension.only-serving", health.complaint()));
        return new Ready(ready.extension(), ready.done(), warnings);
    }

    private void save(String vm, InstalledExtension extension) {
        Health health = extension.health();
        int passedOver = records.of(vm).map(ExtensionRecord::vssPassedOver).orElse(0);
        records.save(
                new ExtensionRecord(
                        vm,
                        extension.type(),
                        extension.version(),
                        health.state(),
                        health.isHealthy(),
                        health.checks(),
                        clock.instant(),
                        passedOver));
    }

    /// One guest, during one call.
    private final class Guest {
        private final GuestAgent agent;
        private final GuestSystem system;
        private final ExtensionType type;
        private final GuestFolder folder;

        Guest(GuestAgent agent) {
            requireCommands(agent);
            this.agent = agent;
            this.system = GuestSystem.of(agent);
            this.type = ExtensionType.of(system);
            this.folder = places.folder(type);
        }

        Optional<InstalledExtension> find() {
            return InstalledExtension.find(agent, folder, type, packages.signer());
        }

        ExtensionPackage wanted() {
            return packages.of(type, system);
        }

        /// The table at the end of `docs/extensions.md`.
        Ready ready(boolean isForced) {
            Optional<InstalledExtension> found = find();
            ExtensionPackage wanted = wanted();
            if (found.isEmpty()) {
                return replaced(found, wanted);
            }
            InstalledExtension extension = found.get();
            if (extension.isOurs() && extension.health().isLeftFrozen()) {
                // Before anything is sent, which would wait for ever on a frozen disk.
                extension.run("thaw").required();
            }
            boolean isNewer = extension.version().compareTo(wanted.manifest().version()) > 0;
            if (extension.isBroken() || (!isNewer && (isForced || !extension.isOf(wanted)))) {
                return replaced(found, wanted);
            }
            return usable(extension, isForced);
        }

        /// What is ours and whole, made to work.
        private Ready usable(InstalledExtension extension, boolean isForced) {
            Health health = extension.health();
            boolean isEnabled = health.state().equals(Health.ENABLED);
            if (isEnabled && health.isHealthy()) {
                return new Ready(extension, Done.NOTHING, List.of());
            }
            boolean isDisabled =
                    health.state().equals(Health.DISABLED) || health.code().equals(Health.DISABLED);
            if (isDisabled && !isForced) {
                throw new ExtensionException(
                        Kind.GUEST, "extension.disabled", null, "health", Health.DISABLED);
            }
            // An installation that was cut off, or something it needs has gone since.
            List<Text> warnings = new ArrayList<>();
            boolean isCutOff = health.state().equals(Health.INSTALLED);
            if (!isCutOff) {
                note(extension.run("install"), warnings);
            }
            note(extension.run("enable"), warnings);
            return new Ready(found(), isCutOff ? Done.INSTALLED : Done.REINSTALLED, warnings);
        }

        /// Puts the wanted package in the place of what was found, and makes it work.
        Ready replaced(Optional<InstalledExtension> found, ExtensionPackage wanted) {
            ExtensionVersion version = wanted.manifest().version();
            Optional<ExtensionVersion> old = found.map(InstalledExtension::version);
            if (old.isPresent() && old.get().compareTo(version) > 0) {
                throw new ExtensionException(
                        Kind.GUEST,
                        "extension.newer-not-ours",
                        null,
                        old.get().toString(),
                        version.toString(),
                        folder.path(old.get().toString()));
            }
            send(wanted);
            folder.accept(agent, version.toString());
            List<Text> warnings = new ArrayList<>();
            boolean isUpdate = old.isPresent() && !old.get().equals(version);
            note(activate(wanted, isUpdate ? old : Optional.empty()), warnings);
            note(run(wanted, "enable"), warnings);
            Done done = Done.INSTALLED;
            if (found.isPresent()) {
                done = isUpdate && found.get().isOurs() ? Done.UPDATED : Done.REINSTALLED;
            }
            return new Ready(found(), done, warnings);
        }

        private VerbResult activate(ExtensionPackage wanted, Optional<ExtensionVersion> old) {
            if (old.isPresent()) {
                VerbResult updated = run(wanted, "update", "--from", old.get().toString());
                if (!updated.code().equals("not-installed")) {
                    return updated;
                }
            }
            return run(wanted, "install");
        }

        private VerbResult run(ExtensionPackage wanted, String verb, String... options) {
            Manifest manifest = wanted.manifest();
            String executable = folder.path(manifest.version().toString(), manifest.executable());
            Duration limit = Duration.ofSeconds(manifest.verbs().getOrDefault(verb, 60));
            return InstalledExtension.run(agent, executable, limit, verb, options);
        }

        /// Uploads the package beside what is there and has it verified, by us and by itself.
        private void send(ExtensionPackage wanted) {
            String version = wanted.manifest().version().toString();
            try {
                folder.prepare(agent, version, wanted.manifest().executable());
                String part = version + GuestFolder.PART;
                for (Map.Entry<String, byte[]> file : wanted.files().entrySet()) {
                    write(folder.path(part, file.getKey()), file.getValue());
                }
                write(folder.path(part, Manifest.FILE), wanted.manifestBytes());
                write(folder.path(part, Manifest.SIGNATURE), wanted.signature());
                verify(wanted, folder.path(part, wanted.manifest().executable()));
            } catch (ExtensionException e) {
                // A full disk should not stay full.
                clean();
                throw e;
            }
        }

        private void write(String path, byte[] content) {
            try {
                agent.writeFile(path, content);
            } catch (GuestException e) {
                throw Obstacle.of(path, e);
            }
        }

        /// Ours first: the guest's executable can tell nothing of itself.
        private void verify(ExtensionPackage wanted, String executable) {
            byte[] arrived;
            try {
                arrived = agent.readFile(executable, wanted.executable().length);
            } catch (GuestException e) {
                throw Obstacle.of(executable, e);
            }
            if (!Arrays.equals(arrived, wanted.executable())) {
                throw new ExtensionException(
                        Kind.GUEST, "extension.upload-damaged", null, executable);
            }
            InstalledExtension.run(agent, executable, VERIFY_MAX, "verify").required();
        }

        /// Where it can't, the next upload does it.
        private void clean() {
            try {
                folder.clean(agent);
            } catch (GuestException | ExtensionException e) {
                // The failure that counts is on its way already.
            }
        }

        private void note(VerbResult result, List<Text> warnings) {
            if (result.required().needsReboot()) {
                warnings.add(text("extension.reboot-needed", result.message()));
            }
            for (JsonNode each : result.json().path("prerequisites")) {
                if (each.path("outcome").asString("").equals("absent")) {
                    String said = Printable.line(each.path("message").asString(""));
                    warnings.add(text("extension.prerequisite-absent", said));
                }
            }
        }

        /// What is there when all is done.
        private InstalledExtension found() {
            InstalledExtension found = find().orElseThrow(() -> notInstalled("health"));
            if (found.isBroken()) {
                throw new ExtensionException(
                        Kind.GUEST, "extension.broken", null, "health", found.health().complaint());
            }
            return found;
        }
    }

    /// The agent's commands, by which everything else is done.
    private static void requireCommands(GuestAgent agent) {
        boolean runs = EXEC.stream().allMatch(agent::supports);
        boolean moves = FILES.stream().allMatch(agent::supports);
        if (runs && moves) {
            return;
        }
        if (agent.supports(FREEZE_STATUS) && agent.isFrozen()) {
            throw new ExtensionException(Kind.BUSY, "extension.frozen", null);
        }
        throw new ExtensionException(
                Kind.GUEST, runs ? "extension.no-files" : "extension.no-exec", null);
    }
}
