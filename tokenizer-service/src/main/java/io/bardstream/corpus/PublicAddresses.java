package io.bardstream.corpus;

import java.net.Inet4Address;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;
import java.util.List;

/**
 * Which addresses belong to the public internet, by IANA's special-purpose registries (RFC 6890, as of 2026): a URL that a
 * client gives must not reach this machine, its network or a cloud's metadata.
 */
final class PublicAddresses {
    /** An address range: the first {@code bits} bits of {@code prefix}. */
    private record Range(byte[] prefix, int bits) {
        static Range of(String cidr) {
            String[] parts = cidr.split("/", 2);
            return new Range(literal(parts[0]).getAddress(), Integer.parseInt(parts[1]));
        }

        boolean contains(byte[] address) {
            if (address.length != prefix.length) {
                return false;
            }
            int whole = bits / 8;
            int mask = 0xFF00 >> bits % 8;
            return Arrays.equals(address, 0, whole, prefix, 0, whole)
                    && (bits % 8 == 0 || ((address[whole] ^ prefix[whole]) & mask & 0xFF) == 0);
        }
    }

    private static final List<Range> NOT_PUBLIC_V4 = ranges(
            "0.0.0.0/8", // this network
            "10.0.0.0/8", // private
            "100.64.0.0/10", // carrier-grade NAT
            "127.0.0.0/8", // loopback
            "169.254.0.0/16", // link-local, cloud metadata
            "172.16.0.0/12", // private
            "192.0.0.0/24", // IETF protocols
            "192.0.2.0/24", // documentation
            "192.88.99.0/24", // 6to4 relays, withdrawn
            "192.168.0.0/16", // private
            "198.18.0.0/15", // benchmarks
            "198.51.100.0/24", // documentation
            "203.0.113.0/24", // documentation
            "224.0.0.0/4", // multicast
            "240.0.0.0/4"); // reserved, broadcast

    private static final Range GLOBAL_UNICAST_V6 = Range.of("2000::/3");

    private static final List<Range> NOT_PUBLIC_V6 = ranges(
            "2001::/23", // IETF protocols, Teredo among them
            "2001:db8::/32", // documentation
            "2002::/16", // 6to4, which carries any IPv4 address
            "3fff::/20"); // documentation

    /** NAT64 (RFC 6052): the last 32 bits are the IPv4 address that is reached. */
    private static final Range NAT64 = Range.of("64:ff9b::/96");

    private PublicAddresses() {}

    /** Whether the address is one of the public internet. */
    static boolean contain(InetAddress address) {
        byte[] bytes = address.getAddress();
        if (address instanceof Inet4Address) {
            return isPublicV4(bytes);
        }
        if (!(address instanceof Inet6Address)) {
            return false;
        }
        if (NAT64.contains(bytes)) {
            return isPublicV4(Arrays.copyOfRange(bytes, 12, 16));
        }
        return GLOBAL_UNICAST_V6.contains(bytes) && NOT_PUBLIC_V6.stream().noneMatch(range -> range.contains(bytes));
    }

    private static boolean isPublicV4(byte[] bytes) {
        return NOT_PUBLIC_V4.stream().noneMatch(range -> range.contains(bytes));
    }

    private static List<Range> ranges(String... cidrs) {
        return Arrays.stream(cidrs).map(Range::of).toList();
    }

    private static InetAddress literal(String address) {
        try {
            return InetAddress.getByName(address);
        } catch (UnknownHostException e) {
            throw new IllegalArgumentException("'" + address + "' is not an address", e);
        }
    }
}
