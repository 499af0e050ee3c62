package io.stillpoint.guest.extension;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Words of real systems; those of SELinux and noexec are of a Linux 6.1.
class ObstacleTest {
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            value = {
                "mkdir: cannot create directory '/var/lib/x': Read-only file system | uid=0 selinux= mount=ro | extension.read-only",
                "mkdir: can't create directory '/var/lib/x': No space left on device | uid=0 selinux= mount=rw | extension.no-space",
                "sh: 41: cannot create /x: Disk quota exceeded | uid=0 selinux= mount=rw | extension.no-space",
                "mkdir: cannot create directory '/x': Permission denied | uid=1000 selinux= mount=rw | extension.not-root",
                "mkdir: cannot create directory '/x': Permission denied | uid=0 selinux=1 mount=rw,seclabel | extension.selinux",
                "mkdir: cannot create directory '/x': Permission denied | uid=0 selinux=0 mount=rw,seclabel | extension.denied",
                "mkdir: cannot create directory '/x': Permission denied | uid=0 selinux= mount=rw,noexec | extension.denied",
                "mkdir: cannot create directory '/sys/x': Operation not permitted | uid=0 selinux= mount=rw | extension.denied",
                "sh: 46: /x/vmsnapshot: Permission denied | uid=0 selinux=1 mount=rw,nosuid,noexec,relatime not-run | extension.no-exec-folder",
                "sh: 46: /x/vmsnapshot: Permission denied | uid=0 selinux=1 mount=rw not-run | extension.selinux",
                "sh: 46: /x/vmsnapshot: not found | uid=0 selinux= mount=rw not-run | extension.denied",
                "mkdir: cannot create directory '/x': Not a directory | uid=0 selinux= mount=rw | extension.failed",
                "mkdir: Input/output error | uid= selinux= mount= | extension.failed",
            })
    void theSystemsWordsAndWhatExplainsThemGiveTheName(String words, String why, String code) {
        ExtensionException obstacle =
                Obstacle.of("/var/lib/x", words.strip() + "\nwhy: " + why.strip() + " \n");

        assertThat(obstacle.code()).isEqualTo(code.strip());
        assertThat(obstacle.getMessage()).contains(words.strip()).doesNotContain("why:");
    }

    @Test
    void withoutAnExplanationTheWordsAreAllThereIs() {
        assertThat(Obstacle.of("x", "Access is denied.\r\n").code()).isEqualTo("extension.denied");
        assertThat(Obstacle.of("x", "There is not enough space on the disk.").code())
                .isEqualTo("extension.no-space");
        assertThat(Obstacle.of("x", "").code()).isEqualTo("extension.failed");
    }
}
