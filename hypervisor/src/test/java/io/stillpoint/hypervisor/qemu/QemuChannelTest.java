package io.stillpoint.hypervisor.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.hypervisor.VirtualMachine.Channel;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.Threads;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Which sockets lead to a VM's guest.
@Tag("qemu")
class QemuChannelTest {
    @TempDir Path folder;
    private RealVm vm;
    private QemuVm backup;
    private Path agent;

    @BeforeEach
    void start() {
        agent = folder.resolve("agent,1.sock");
        vm =
                RealVm.bare(
                        folder,
                        List.of(),
                        "-chardev",
                        "socket,id=ag,server=on,wait=off,path=" + folder.resolve("agent,,1.sock"));
        backup = QemuVm.open(vm.socket(), Threads.ofProcess());
    }

    @AfterEach
    void end() {
        backup.close();
        vm.close();
    }

    @Test
    void channelIsProvedByTheClientThatQemuSees() throws IOException {
        Channel channel = backup.channel(agent).orElseThrow();
        assertThat(channel.isConnected()).isFalse();
        try (SocketChannel client = SocketChannel.open(UnixDomainSocketAddress.of(agent))) {
            assertThat(client.isConnected()).isTrue();
            assertThat(channel.isConnected()).isTrue();
            // Another's client is on it.
            assertThat(backup.channel(agent)).isEmpty();
        }
        assertThat(backup.channel(agent)).isPresent();
    }

    @Test
    void linkToTheSocketLeadsThere() throws IOException {
        Path link = Files.createSymbolicLink(folder.resolve("link"), agent);
        assertThat(backup.channel(link)).isPresent();
    }

    @Test
    void socketsOfOthersAndOtherFilesLeadNowhere() throws IOException {
        Path other = folder.resolve("other.sock");
        try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            server.bind(UnixDomainSocketAddress.of(other));
            assertThat(backup.channel(other)).isEmpty();
        }
        assertThat(backup.channel(folder.resolve("none"))).isEmpty();
        assertThat(backup.channel(Files.createFile(folder.resolve("file")))).isEmpty();
        // A monitor is a channel too, but this one is taken.
        assertThat(backup.channel(vm.socket())).isEmpty();
    }

    @Test
    void socketPutInTheChannelsPlaceIsFoundOut() throws IOException {
        Files.delete(agent);
        try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            server.bind(UnixDomainSocketAddress.of(agent));
            Optional<Channel> channel = backup.channel(agent);
            try (SocketChannel client = SocketChannel.open(UnixDomainSocketAddress.of(agent))) {
                assertThat(client.isConnected()).isTrue();
                assertThat(channel.filter(Channel::isConnected)).isEmpty();
            }
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "disconnected:unix:/run/a.sock,server=on | /run/a.sock",
                "unix:/run/a.sock,server=on | /run/a.sock",
                "unix:/run/a.sock,server | /run/a.sock",
                "unix:a,b.sock,server=on | a,b.sock",
                "unix:/run/a.sock | ''",
                "unix:name,abstract=on,tight=on,server=on | ''",
                "tcp:127.0.0.1:1,server=on | ''",
                "pty:/dev/pts/1 | ''",
                "fd:5,server=on | ''",
                "'' | ''"
            })
    void descriptionsOfDevicesAreRead(String filename, String path) {
        assertThat(QemuChannel.address(Json.object().put("filename", filename))).isEqualTo(path);
    }
}
