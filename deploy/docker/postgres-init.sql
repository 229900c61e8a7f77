-- A database and a user for each service, and one database for Unleash; the toolkit's users are made by `strangler init`.
CREATE ROLE shop_orders LOGIN PASSWORD 'app-pw';
CREATE DATABASE shop_orders OWNER shop_orders;
CREATE ROLE shop_notifications LOGIN PASSWORD 'app-pw';
CREATE DATABASE shop_notifications OWNER shop_notifications;
CREATE DATABASE unleash;
