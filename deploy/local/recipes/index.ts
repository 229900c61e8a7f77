import type { Part } from '../parts.ts';
import { connect } from './connect.ts';
import { kafka } from './kafka.ts';
import { mysql } from './mysql.ts';
import { postgres } from './postgres.ts';
import type { Recipe } from './recipe.ts';
import { unleash } from './unleash.ts';

export const recipes: Readonly<Record<Part, Recipe>> = { mysql, postgres, kafka, connect, unleash };
