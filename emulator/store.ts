/** The work requests of the emulated cloud, by id and by (service, region). Those whose time is up are dropped when somebody looks. */
import { isGone } from './lives.ts';
import type { Life } from './lives.ts';

export interface Store {
  add(life: Life): void;
  /** Whatever its service and region; null when absent or gone. */
  find(id: string, nowMs: number): Life | null;
  of(service: string, region: string, nowMs: number): readonly Life[];
  all(nowMs: number): readonly Life[];
  remove(id: string): void;
  /** Drops those of one place whose time is up, without a look. */
  dropGone(service: string, region: string, nowMs: number): void;
  size(): number;
}

/** `onLook` is called before anything is read: whoever brings forth work requests catches up then. */
export function createStore(onLook: (nowMs: number) => void = () => {}): Store {
  const byId = new Map<string, Life>();
  const byPlace = new Map<string, Map<string, Life>>();
  const placeOf = (service: string, region: string): string => `${service} ${region}`;
  const remove = (id: string): void => {
    const life = byId.get(id);
    if (!life) return;
    byId.delete(id);
    byPlace.get(placeOf(life.service, life.region))?.delete(id);
  };
  const dropGone = (service: string, region: string, nowMs: number): void => {
    for (const life of byPlace.get(placeOf(service, region))?.values() ?? []) {
      if (isGone(life, nowMs)) remove(life.id);
    }
  };
  return {
    add: (life) => {
      remove(life.id);
      byId.set(life.id, life);
      const place = placeOf(life.service, life.region);
      const lives = byPlace.get(place) ?? new Map<string, Life>();
      lives.set(life.id, life);
      byPlace.set(place, lives);
    },
    find: (id, nowMs) => {
      onLook(nowMs);
      const life = byId.get(id);
      if (!life) return null;
      if (!isGone(life, nowMs)) return life;
      remove(id);
      return null;
    },
    of: (service, region, nowMs) => {
      onLook(nowMs);
      dropGone(service, region, nowMs);
      return [...(byPlace.get(placeOf(service, region))?.values() ?? [])];
    },
    all: (nowMs) => {
      onLook(nowMs);
      return [...byId.values()].filter((life) => !isGone(life, nowMs));
    },
    remove,
    dropGone,
    size: () => byId.size,
  };
}
