import { type Migration, runMigrations } from './database.ts';

// The monolith's tables under the monolith's names. Two texts that its MySQL takes for equal (case and accents do not
// count) are equal here, too: for slugs, tags, user names and addresses.
const articles: Migration = {
  name: '0001-articles',
  sql: `
    CREATE COLLATION "as_in_mysql" (provider = icu, locale = 'und-u-ks-level1', deterministic = false);

    -- Ids are even here and odd in the monolith, so that a row may be born on either side.
    CREATE SEQUENCE "Articles_id_seq" AS integer MINVALUE 2 START 2 INCREMENT 2;
    CREATE TABLE "Articles" (
      "id" integer PRIMARY KEY DEFAULT nextval('"Articles_id_seq"'),
      "slug" varchar(255) COLLATE "as_in_mysql" NOT NULL UNIQUE,
      "title" varchar(255) NOT NULL,
      "description" varchar(255) NOT NULL,
      "body" text NOT NULL,
      "hidden" boolean NOT NULL DEFAULT false,
      "popularity" integer NOT NULL DEFAULT 0,
      "sponsoredUntil" timestamptz,
      "createdAt" timestamptz NOT NULL,
      "updatedAt" timestamptz NOT NULL,
      "authorId" integer
    );
    ALTER SEQUENCE "Articles_id_seq" OWNED BY "Articles"."id";
    CREATE INDEX "Articles_newest" ON "Articles" ("createdAt" DESC, "id" DESC);
    CREATE INDEX "Articles_authorId" ON "Articles" ("authorId");

    CREATE SEQUENCE "Comments_id_seq" AS integer MINVALUE 2 START 2 INCREMENT 2;
    CREATE TABLE "Comments" (
      "id" integer PRIMARY KEY DEFAULT nextval('"Comments_id_seq"'),
      "body" text NOT NULL,
      "createdAt" timestamptz NOT NULL,
      "updatedAt" timestamptz NOT NULL,
      "authorId" integer,
      "articleId" integer REFERENCES "Articles" ("id") ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED
    );
    ALTER SEQUENCE "Comments_id_seq" OWNED BY "Comments"."id";
    CREATE INDEX "Comments_articleId" ON "Comments" ("articleId");

    CREATE SEQUENCE "Tags_id_seq" AS integer MINVALUE 2 START 2 INCREMENT 2;
    CREATE TABLE "Tags" (
      "id" integer PRIMARY KEY DEFAULT nextval('"Tags_id_seq"'),
      "name" varchar(255) COLLATE "as_in_mysql" NOT NULL UNIQUE
    );
    ALTER SEQUENCE "Tags_id_seq" OWNED BY "Tags"."id";

    CREATE TABLE "ArticleTags" (
      "articleId" integer NOT NULL REFERENCES "Articles" ("id") ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
      "tagId" integer NOT NULL REFERENCES "Tags" ("id") ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
      PRIMARY KEY ("articleId", "tagId")
    );
    CREATE INDEX "ArticleTags_tagId" ON "ArticleTags" ("tagId");

    CREATE TABLE "Favorites" (
      "createdAt" timestamptz NOT NULL,
      "updatedAt" timestamptz NOT NULL,
      "userId" integer NOT NULL,
      "articleId" integer NOT NULL REFERENCES "Articles" ("id") ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
      PRIMARY KEY ("userId", "articleId")
    );
    CREATE INDEX "Favorites_articleId" ON "Favorites" ("articleId");`,
};

// Written by the monolith alone: the service reads them.
const reference: Migration = {
  name: '0002-users-and-follows',
  sql: `
    CREATE TABLE "Users" (
      "id" integer PRIMARY KEY,
      "username" varchar(255) COLLATE "as_in_mysql" NOT NULL UNIQUE,
      "email" varchar(255) COLLATE "as_in_mysql" NOT NULL UNIQUE,
      "password" varchar(255) NOT NULL,
      "bio" text,
      "image" text,
      "role" varchar(16) NOT NULL DEFAULT 'user',
      "createdAt" timestamptz NOT NULL,
      "updatedAt" timestamptz NOT NULL
    );
    CREATE TABLE "Follows" (
      "createdAt" timestamptz NOT NULL,
      "updatedAt" timestamptz NOT NULL,
      "followerId" integer NOT NULL,
      "followedId" integer NOT NULL,
      PRIMARY KEY ("followerId", "followedId")
    );
    CREATE INDEX "Follows_followedId" ON "Follows" ("followedId");`,
};

/** Runs the pending migrations of the articles service; answers the names of those it ran. */
export const migrate = (databaseUrl: string): Promise<string[]> => runMigrations(databaseUrl, [articles, reference]);
