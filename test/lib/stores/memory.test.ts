import { open } from '../../../lib/stores/memory/index.ts';
import { storesContract } from './contract.ts';

const stores = open();
storesContract('memory', () => stores);
