-- The shop's database and its own user; the toolkit's users are made by `strangler init`.
CREATE DATABASE shop CHARACTER SET utf8mb4;
CREATE USER 'shop_app'@'%' IDENTIFIED BY 'app-pw';
GRANT ALL ON shop.* TO 'shop_app'@'%';
