/**
 * Which address a request counts for: that of its connection, or, where that is a proxy the operator named, the one that the proxy says
 * it came from (`X-Forwarded-For`, read from its end, as everything further ahead is the caller's own word).
 */
import type { IncomingHttpHeaders } from 'node:http';
import { BlockList, isIP } from 'node:net';
import { bytesOf } from './unacknowledged.ts';

/** What is looked at of a request. */
export interface Origin {
  readonly headers: Readonly<IncomingHttpHeaders>;
  readonly socket: { readonly remoteAddress?: string | undefined };
}

export interface Addresses {
  addressOf(origin: Origin): string;
  /** Of a connection; null: it is a proxy's, whose connections are those of many. */
  addressOfConnection(socket: Origin['socket']): string | null;
}

/** @param trustedProxies addresses and networks (`10.0.0.0/8`). Throws a TypeError for what is neither */
export function createAddresses(trustedProxies: readonly string[] = []): Addresses {
  const proxies = new BlockList();
  for (const proxy of trustedProxies) {
    const network = readNetwork(proxy);
    if (network === null) throw new TypeError(`TRUSTED_PROXIES: ${proxy} is no address and no network.`);
    proxies.addSubnet(network.address, network.bits, network.family);
  }
  const isTrusted = (address: string): boolean =>
    proxies.check(address, address.includes(':') ? 'ipv6' : 'ipv4');

  return {
    addressOf({ headers, socket }) {
      let address = socket.remoteAddress ?? '';
      const forwarded = headers['x-forwarded-for'];
      if (forwarded === undefined || trustedProxies.length === 0 || isIP(address) === 0)
        return groupOf(address);
      const hops = String(forwarded).split(',');
      while (isTrusted(address)) {
        const before = readHop(hops.pop());
        if (before === null) break;
        address = before;
      }
      return groupOf(address);
    },
    addressOfConnection: ({ remoteAddress = '' }) =>
      isTrusted(remoteAddress) ? null : groupOf(remoteAddress),
  };
}

/** Null for what is neither an address nor a network. */
export function readNetwork(
  text: string,
): { readonly address: string; readonly bits: number; readonly family: 'ipv4' | 'ipv6' } | null {
  const [, address = '', bits] = /^([0-9a-f:.]+)(?:\/(\d{1,3}))?$/i.exec(text) ?? [];
  const version = isIP(address);
  if (version === 0) return null;
  const most = version === 4 ? 32 : 128;
  const wanted = Number(bits ?? most);
  return wanted > most ? null : { address, bits: wanted, family: version === 4 ? 'ipv4' : 'ipv6' };
}

/** Some proxies add the port. */
function readHop(hop: string | undefined): string | null {
  const text = hop?.trim() ?? '';
  const address = /^\[(.+)\](?::\d+)?$/.exec(text)?.[1] ?? /^([\d.]+):\d+$/.exec(text)?.[1] ?? text;
  return isIP(address) === 0 ? null : address;
}

/** An IPv6 subscriber has a network of 64 bits, so all of it is one address; IPv4 in IPv6's clothes is IPv4. */
function groupOf(address: string): string {
  if (!address.includes(':')) return address;
  const bytes = bytesOf(address);
  const isMapped = bytes.every((byte, index) => index >= 12 || byte === (index < 10 ? 0 : 0xff));
  return isMapped ? bytes.slice(12).join('.') : `${Buffer.from(bytes.slice(0, 8)).toString('hex')}/64`;
}
