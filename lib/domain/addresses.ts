/** Which addresses may call: lists of IPs and CIDR ranges, of both families. */
import { BlockList, isIP } from 'node:net';
import { GatewayError } from '../errors.ts';

/** IPv4 inside IPv6, as a socket that speaks both reports it: `::ffff:192.0.2.1`. */
const MAPPED = /^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i;

const familyOf = (address: string): 'ipv4' | 'ipv6' | undefined => {
  const version = isIP(address);
  return version === 0 ? undefined : version === 4 ? 'ipv4' : 'ipv6';
};

/**
 * Adds one entry to a list.
 *
 * @throws GatewayError `invalid_request` for what is neither an address nor a range
 */
function addEntry(list: BlockList, entry: string, param: string): void {
  const [address = '', length] = entry.trim().split('/', 2);
  const family = familyOf(address);
  const most = family === 'ipv4' ? 32 : 128;
  const isLength = length === undefined || (/^\d{1,3}$/.test(length) && Number(length) <= most);
  if (family === undefined || !isLength) {
    const fault = `${param}: expected an IP address or a range such as 192.0.2.0/24 or 2001:db8::/32, got "${entry.slice(0, 60)}"`;
    throw new GatewayError('invalid_request', fault, { param });
  }
  if (length === undefined) list.addAddress(address, family);
  else list.addSubnet(address, Number(length), family);
}

/** The matcher of each list that was asked about; records are cached, so a list is the same object for many requests. */
const matchers = new WeakMap<readonly string[], BlockList>();

/**
 * A list, ready to be asked.
 *
 * @param param name of the field the list came from, for the error
 * @throws GatewayError `invalid_request` naming the entry that is wrong
 */
export function readAddresses(entries: readonly string[], param = 'allowed_ips'): BlockList {
  const known = matchers.get(entries);
  if (known !== undefined) return known;
  const list = new BlockList();
  for (const entry of entries) addEntry(list, entry, param);
  matchers.set(entries, list);
  return list;
}

/** True when the list is empty or has the address. An address nobody knows is on no list. */
export function isAllowedAddress(entries: readonly string[] | undefined, address: string | undefined): boolean {
  if (entries === undefined || entries.length === 0) return true;
  const plain = (address ?? '').replace(MAPPED, '');
  const family = familyOf(plain);
  return family !== undefined && readAddresses(entries).check(plain, family);
}
